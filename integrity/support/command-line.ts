import { spawn, type ChildProcess } from 'node:child_process';
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

/** The built command line as a process, with nothing in its environment but the key. */
export async function fieldgate(args: readonly string[], key = ADMIN_KEY): Promise<Ran> {
  const child = launch(args, key);
  const texts = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...texts };
}

/** What an operator of this deployment types. */
export class CommandLine {
  constructor(private readonly deployment: () => Deployment) {}

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
    return new Following(launch(args.concat('--http', this.http), ADMIN_KEY));
  }

  private get http(): string {
    return this.deployment().httpOf('operator-api');
  }
}

/** A command that runs, and what it has printed. */
export class Following {
  readonly lines = new Inbox<string>();
  private rest = '';
  private readonly ended: Promise<number | null>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      const parts = (this.rest + chunk.toString()).split('\n');
      this.rest = parts.pop() ?? '';
      parts.forEach((line) => this.lines.push(line));
    });
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** As Ctrl-C does; the exit code. */
  interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}

function launch(args: readonly string[], key: string): ChildProcess {
  return spawn(process.execPath, [CLI].concat(args), {
    env: { PATH: process.env['PATH'], FIELDGATE_ADMIN_KEY: key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
