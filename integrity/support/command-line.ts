import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Inbox } from '@fieldgate/commit-log/testing';
import type { Deployment } from './deployment.js';
import { ADMIN_KEY } from './fieldgate-process.js';

const CLI = fileURLToPath(new URL('../../cli/bin/fieldgate.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built command line as a process, with nothing in its environment but the key; it ends by itself. */
export async function fieldgate(args: readonly string[], key = ADMIN_KEY): Promise<Ran> {
  const child = launch(args, { FIELDGATE_ADMIN_KEY: key });
  const texts = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...texts };
}

/** What an operator of this deployment types. */
export class CommandLine {
  constructor(private readonly deployment: () => Pick<Deployment, 'httpOf'>) {}

  ask(...args: string[]): Promise<Ran> {
    return fieldgate(args.concat('--http', this.http));
  }

  /** The caller names what the command prints. */
  async askJson<T>(...args: string[]): Promise<T> {
    const { out, err } = await this.ask(...args, '--json');
    if (out === '') throw new Error(err);
    return JSON.parse(out) as T;
  }

  /** One that goes on until it is stopped. */
  follow(...args: string[]): Following {
    return new Following(launch(args.concat('--http', this.http), { FIELDGATE_ADMIN_KEY: ADMIN_KEY }));
  }

  private get http(): string {
    return this.deployment().httpOf('operator-api');
  }
}

/** One with an environment of its own, that asks nobody. */
export function followAlone(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Following {
  return new Following(launch(args, environment));
}

/** A command that runs, and what it has printed. */
export class Following {
  readonly lines = new Inbox<string>();
  /** Of standard error. */
  readonly errors = new Inbox<string>();
  private readonly ended: Promise<number | null>;

  constructor(private readonly child: ChildProcess) {
    linesOf(child.stdout, this.lines);
    linesOf(child.stderr, this.errors);
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** As Ctrl-C does; the exit code. */
  interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}

function linesOf(stream: Readable | null, lines: Inbox<string>): void {
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    parts.forEach((line) => lines.push(line));
  });
}

function launch(args: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [CLI].concat(args), {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
