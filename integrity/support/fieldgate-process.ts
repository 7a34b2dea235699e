import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../cli/dist/fieldgate.js', import.meta.url));

export const ADMIN_KEY = 'integrity-admin-key-0001';

export interface ReadyLine {
  readonly http: string;
  readonly mqtt?: string;
  readonly ms: number;
}

/** `fieldgate start` as a process of its own, on free ports. */
export class FieldgateProcess {
  private readonly lines: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    readonly ready: ReadyLine,
    readonly pid: number,
  ) {}

  static async start(
    environment: Record<string, string>,
    roles: readonly string[] = [],
  ): Promise<FieldgateProcess> {
    const child = launch(environment, roles);
    const output: string[] = [];
    const ready = await new Promise<ReadyLine>((resolve, reject) => {
      onLines(child, (line) => {
        output.push(line);
        const entry = parseLine(line);
        if (entry?.['msg'] === 'ready') resolve(entry as unknown as ReadyLine); // our own line
      });
      child.once('exit', (code, signal) =>
        reject(
          new Error(
            `fieldgate ended before it was ready (${code ?? signal}):\n${output.slice(-20).join('\n')}`,
          ),
        ),
      );
    });
    const process = new FieldgateProcess(child, ready, child.pid ?? 0);
    process.lines.push(...output);
    onLines(child, (line) => process.lines.push(line));
    return process;
  }

  get mqttPort(): number {
    return Number(new URL(this.ready.mqtt ?? '').port);
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** SIGKILL, and gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const gone = once(this.child, 'exit') as Promise<[number | null]>;
    this.child.kill('SIGTERM');
    const [code] = await gone;
    return code;
  }
}

/** For starts that are to fail: the exit code and what was said on standard error. */
export async function startAndFail(
  environment: Record<string, string>,
  roles: readonly string[] = [],
): Promise<{ code: number | null; stderr: string; stdout: string }> {
  const child = launch(environment, roles);
  const said = { stderr: '', stdout: '' };
  child.stderr?.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
  child.stdout?.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

function launch(environment: Record<string, string>, roles: readonly string[]): ChildProcess {
  const args = roles.length > 0 ? ['--role', ...roles] : [];
  return spawn(process.execPath, ['--enable-source-maps', CLI, 'start', ...args], {
    env: {
      PATH: process.env['PATH'],
      FIELDGATE_LOG_FORMAT: 'json',
      FIELDGATE_MQTT_PORT: '0',
      FIELDGATE_HTTP_PORT: '0',
      FIELDGATE_ADMIN_KEY: ADMIN_KEY,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function onLines(child: ChildProcess, listener: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(listener);
    });
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>; // pino writes objects
  } catch {
    return undefined; // a line for people
  }
}
