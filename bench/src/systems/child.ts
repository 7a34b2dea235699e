import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const STOP_MS = 15_000;

type Line = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly msg: string;
  readonly resolve: (line: Line) => void;
  readonly reject: (error: Error) => void;
}

/** A process that talks in lines of JSON; it ends with ours. */
export class Child {
  private readonly said: string[] = [];
  private waiting: Waiting[] = [];
  private ended: string | undefined;

  private constructor(
    private readonly process: ChildProcess,
    private readonly name: string,
  ) {
    for (const stream of [process.stdout, process.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.hear(line));
    process.once('error', (error) => this.giveUp(() => error));
    process.once('exit', (code, signal) => {
      this.ended = String(code ?? signal);
      setImmediate(() => this.giveUp((msg) => this.endedBefore(msg))); // after its last lines
    });
    children.add(process);
    process.once('exit', () => children.delete(process));
  }

  static start(
    command: readonly [string, ...string[]],
    environment: Readonly<Record<string, string>> = {},
  ): Child {
    const [program, ...args] = command;
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Child(child, command.join(' '));
  }

  /** A module of this bench, by its path below `dist`. */
  static node(module: string, args: readonly string[] = [], flags: readonly string[] = []): Child {
    const file = fileURLToPath(new URL(`../${module}`, import.meta.url));
    return Child.start([process.execPath, '--enable-source-maps', ...flags, file, ...args]);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The next line whose `msg` is this one; fails when the process ends without it. */
  line(msg: string): Promise<Line> {
    if (this.ended !== undefined) return Promise.reject(this.endedBefore(msg));
    return new Promise((resolve, reject) => this.waiting.push({ msg, resolve, reject }));
  }

  /** What it says to this signal. */
  ask(signal: NodeJS.Signals, msg: string): Promise<Line> {
    const answer = this.line(msg);
    this.process.kill(signal);
    return answer;
  }

  /** SIGTERM, and SIGKILL for one that does not listen. */
  async stop(): Promise<void> {
    if (this.ended !== undefined) return;
    const gone = once(this.process, 'exit');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    this.process.kill('SIGTERM');
    await gone;
    clearTimeout(timer);
  }

  private endedBefore(msg: string): Error {
    const last = this.said.slice(-20).join('\n');
    return new Error(`${this.name} ended (${this.ended}) before it said "${msg}":\n${last}`);
  }

  private giveUp(why: (msg: string) => Error): void {
    const { waiting } = this;
    this.waiting = [];
    for (const { msg, reject } of waiting) reject(why(msg));
  }

  private hear(text: string): void {
    this.said.push(text);
    if (this.said.length > 100) this.said.shift();
    const line = parsed(text);
    const index = this.waiting.findIndex(({ msg }) => msg === line?.['msg']);
    if (line && index >= 0) this.waiting.splice(index, 1)[0]?.resolve(line);
  }
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

function parsed(text: string): Line | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Line; // an object, because of its first character
  } catch {
    return undefined; // a line for people
  }
}
