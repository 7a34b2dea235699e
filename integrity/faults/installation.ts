import { mkdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FieldgateProcess } from '../support/fieldgate-process.js';
import { Operator } from '../support/operator.js';
import { temporaryFolder } from '../support/temporary-folder.js';

export type Role = 'gateway' | 'processors' | 'operator-api';
/** A role, or another process with the same one: `gateway-2`. */
export type ProcessName = Role | `${Role}-${number}`;

type Settings = Readonly<Record<string, string>>;

interface Member {
  readonly fieldgate: FieldgateProcess;
  readonly settings: Settings;
}

/** Fieldgate as processes of its own, as many of each role as a case needs; each keeps its data directory when it is started again. */
export class Installation {
  private readonly cleanUps: (() => Promise<unknown> | void)[] = [];
  private readonly members = new Map<ProcessName, Member>();
  /** Also those that have ended, in the order of their starts. */
  private readonly launched: { readonly name: ProcessName; readonly fieldgate: FieldgateProcess }[] = [];

  private constructor(
    private readonly environment: Settings,
    private readonly folder: Awaited<ReturnType<typeof temporaryFolder>>,
  ) {}

  static async create(environment: Settings): Promise<Installation> {
    return new Installation(environment, await temporaryFolder());
  }

  get names(): readonly ProcessName[] {
    return [...this.members.keys()];
  }

  /** Started, or started again with the settings that it had. Not waited for. */
  launch(name: ProcessName, settings: Settings = this.members.get(name)?.settings ?? {}): FieldgateProcess {
    const dataDir = this.dataDirOf(name);
    mkdirSync(dataDir, { recursive: true });
    const environment = {
      FIELDGATE_DATA_DIR: dataDir,
      FIELDGATE_GATEWAY_ID: `faults-${name}`,
      ...this.environment,
      ...settings,
    };
    const fieldgate = FieldgateProcess.launch(environment, [roleOf(name)]);
    this.members.set(name, { fieldgate, settings });
    this.launched.push({ name, fieldgate });
    return fieldgate;
  }

  async start(name: ProcessName, settings?: Settings): Promise<FieldgateProcess> {
    const fieldgate = this.launch(name, settings);
    await fieldgate.ready();
    return fieldgate;
  }

  of(name: ProcessName): FieldgateProcess {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`${name} was never started`);
    return member.fieldgate;
  }

  /** Exists from its first start on. */
  dataDirOf(name: ProcessName): string {
    return join(this.folder.path, name);
  }

  /** Run when all processes have ended, before their data directories go; the newest first. */
  beforeRemoval(clean: () => Promise<unknown> | void): void {
    this.cleanUps.unshift(clean);
  }

  async operator(): Promise<Operator> {
    return new Operator(await this.of('operator-api').httpUrl());
  }

  freeze(name: ProcessName): void {
    process.kill(this.of(name).pid, 'SIGSTOP');
  }

  thaw(name: ProcessName): void {
    if (this.of(name).isRunning) process.kill(this.of(name).pid, 'SIGCONT');
  }

  /** By SIGTERM; who does not end within the time is killed. What has ended otherwise than with 0, or not by itself. */
  async stop(withinMs: number): Promise<readonly string[]> {
    const wrong = await Promise.all(this.names.map((name) => this.stopOne(name, withinMs)));
    for (const clean of this.cleanUps.splice(0)) await clean();
    await this.folder.remove();
    return wrong.flat();
  }

  /** What the processes have written, one file for each start of one. */
  async keepLines(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const [index, { name, fieldgate }] of this.launched.entries())
      await writeFile(
        join(folder, `${index + 1}-${name}.log`),
        [...fieldgate.lines.all, fieldgate.stderr].join('\n'),
      );
  }

  private async stopOne(name: ProcessName, withinMs: number): Promise<readonly string[]> {
    const { fieldgate } = this.members.get(name) ?? {};
    if (fieldgate === undefined || fieldgate.wasKilled) return [];
    if (!fieldgate.isRunning) {
      const { code, signal } = await fieldgate.ended; // by itself, or told to by the case
      return code === 0 ? [] : [`${name} has ended with ${code ?? signal}: ${lastWords(fieldgate)}`];
    }
    this.thaw(name);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void fieldgate.kill();
    }, withinMs);
    const code = await fieldgate.stop();
    clearTimeout(timer);
    if (late) return [`${name} was still there ${withinMs / 1000} s after SIGTERM`];
    return code === 0 ? [] : [`${name} ended with ${code}: ${lastWords(fieldgate)}`];
  }
}

function lastWords({ stderr, lines }: FieldgateProcess): string {
  return stderr === '' ? lines.all.slice(-3).join('\n') : stderr.slice(-500);
}

function roleOf(name: ProcessName): Role {
  return name.replace(/-\d+$/, '') as Role; // by its type
}
