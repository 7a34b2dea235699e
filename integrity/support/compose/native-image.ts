import { Program } from '../program.js';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dockerIgnore } from './docker-ignore.js';

const CONTEXT = fileURLToPath(new URL('../../../', import.meta.url));

interface Stage {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  healthcheck: readonly string[];
}

/**
 * The image of the Dockerfile as a folder: its steps are carried out one by one, without a container, each stage in a folder of its own that
 * stands for its root. What a container adds (an own network, an own Node, an own Debian) is not there.
 */
export class NativeImage {
  private constructor(
    private readonly folder: string,
    private readonly stage: Stage,
  ) {}

  static async build(): Promise<NativeImage> {
    const folder = mkdtempSync(join(tmpdir(), 'fieldgate-image-'));
    chmodSync(folder, 0o755); // another user runs what is in it
    try {
      return new NativeImage(folder, await carryOut(instructions(), folder));
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  get env(): Readonly<Record<string, string>> {
    return this.stage.env;
  }

  get healthcheck(): readonly string[] {
    return this.stage.healthcheck;
  }

  get user(): string {
    return this.stage.user;
  }

  /** Where an absolute path of the image is here. */
  path(inside: string): string {
    return join(this.stage.root, inside);
  }

  /** As `docker run` does: the entrypoint with these arguments (none: those of the image), its environment and this one, as its user. */
  run(args: readonly string[], environment: Readonly<Record<string, string>>): Program {
    return this.execute(
      [...this.stage.entrypoint, ...(args.length > 0 ? args : this.stage.command)],
      environment,
    );
  }

  /** As `docker exec` does, and a health check: another command, in the same place and as the same user. */
  execute(command: readonly string[], environment: Readonly<Record<string, string>>): Program {
    const [program = '', ...args] = asUser(command, this.stage.user);
    return new Program(program, args, this.inside({ ...this.stage.env, ...environment }), {
      cwd: join(this.stage.root, this.stage.workdir),
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private inside(environment: Readonly<Record<string, string>>): Record<string, string> {
    const data = environment['FIELDGATE_DATA_DIR'];
    return { ...environment, ...(data === undefined ? {} : { FIELDGATE_DATA_DIR: this.path(data) }) };
  }
}

/** Root may become the user of the image, who owns nothing here and so cannot write; anybody else stays who they are. */
function asUser([program = '', ...args]: readonly string[], user: string): readonly string[] {
  const command = [program === 'node' ? process.execPath : program, ...args];
  if (process.getuid?.() !== 0) return command;
  const [uid = '', gid = ''] = user.split(':');
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', ...command];
}

function instructions(): (readonly [string, string])[] {
  return readFileSync(join(CONTEXT, 'Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, word = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
      if (word === '') throw new Error(`not understood in the Dockerfile: ${line}`);
      return [word, rest] as const;
    });
}

async function carryOut(steps: readonly (readonly [string, string])[], folder: string): Promise<Stage> {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const [word, rest] of steps) {
    if (word === 'FROM') {
      const name = / AS (\S+)$/.exec(rest)?.[1] ?? 'last';
      stage = newStage(join(folder, name));
      stages.set(name, stage);
    } else if (stage === undefined) throw new Error(`${word} before FROM`);
    else await step(stage, stages, word, rest);
  }
  if (stage === undefined) throw new Error('no FROM');
  return stage;
}

function newStage(root: string): Stage {
  mkdirSync(root);
  return { root, workdir: '/', env: {}, user: '0:0', entrypoint: [], command: [], healthcheck: [] };
}

async function step(
  stage: Stage,
  stages: ReadonlyMap<string, Stage>,
  word: string,
  rest: string,
): Promise<void> {
  switch (word) {
    case 'WORKDIR':
      stage.workdir = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
      return;
    case 'COPY':
      return copy(stage, stages, rest.split(' '));
    case 'RUN':
      return run(stage, rest);
    case 'ENV': {
      const at = rest.indexOf('=');
      stage.env[rest.slice(0, at)] = rest.slice(at + 1);
      return;
    }
    case 'USER':
      stage.user = rest;
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = words(rest);
      return;
    case 'CMD':
      stage.command = words(rest);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = words(rest.slice(rest.indexOf(' CMD ') + 5));
      return;
    case 'EXPOSE':
    case 'VOLUME':
      return;
    default:
      throw new Error(`${word} is not understood`);
  }
}

function words(json: string): readonly string[] {
  return (JSON.parse(json) as unknown[]).map(String);
}

function copy(stage: Stage, stages: ReadonlyMap<string, Stage>, args: readonly string[]): void {
  const from = args[0]?.startsWith('--from=') ? args[0].slice(7) : undefined;
  const sources = args.slice(from === undefined ? 0 : 1, -1);
  const target = join(stage.root, stage.workdir, args.at(-1) ?? '');
  for (const source of sources) {
    if (from === undefined) copyFromContext(source, target);
    else
      cpSync(join(stages.get(from)?.root ?? '', source), target, { recursive: true, verbatimSymlinks: true });
  }
}

function copyFromContext(source: string, target: string): void {
  const ignores = dockerIgnore(readFileSync(join(CONTEXT, '.dockerignore'), 'utf8'));
  const absolute = join(CONTEXT, source);
  const into = statSync(absolute).isDirectory() ? target : join(target, source);
  if (ignores(source)) throw new Error(`.dockerignore keeps ${source} out`);
  mkdirSync(dirname(into), { recursive: true });
  cpSync(absolute, into, {
    recursive: true,
    filter: (path) => !ignores(relative(CONTEXT, path)),
  });
}

async function run(stage: Stage, line: string): Promise<void> {
  let command = line.replaceAll(/(?<= )\/(?=\w)/g, `${stage.root}/`);
  if (process.getuid?.() !== 0) command = command.replaceAll(/ -[og] \d+/g, ''); // only root may give a folder away
  const cwd = join(stage.root, stage.workdir);
  const { code, stdout, stderr } = await new Program('sh', ['-c', command], {}, { cwd }).ended();
  if (code !== 0) throw new Error(`RUN ${line}: ${stdout}${stderr}`);
}
