import { Inbox } from '@fieldgate/commit-log/testing';
import { spawn, type ChildProcess } from 'node:child_process';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of somebody else, with its lines as they come. */
export class Program {
  readonly lines = new Inbox<string>();
  private readonly child: ChildProcess;
  private readonly outcome: Promise<Outcome>;

  constructor(
    command: string,
    args: readonly string[],
    environment: Record<string, string> = {},
    options: { readonly cwd?: string } = {},
  ) {
    this.child = spawn(command, args, {
      ...options,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    let rest = '';
    this.child.stdout?.on('data', (chunk: Buffer) => {
      said.stdout += chunk.toString();
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
    });
    this.child.stderr?.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    this.outcome = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve({ code, ...said }));
    });
    this.outcome.catch(() => undefined); // reported to whoever asks for it
  }

  /** Of its standard output; rejects when it ends without such a line. */
  async line(wanted: string | RegExp): Promise<string> {
    const matches = (line: string): boolean =>
      typeof wanted === 'string' ? line === wanted : wanted.test(line);
    await Promise.race([this.lines.until((all) => all.some(matches)), this.outcome]);
    const line = this.lines.all.find(matches);
    if (line !== undefined) return line;
    throw new Error(`ended without the line ${wanted}: ${JSON.stringify(await this.outcome)}`);
  }

  /** Resolves when it has ended by itself. */
  ended(): Promise<Outcome> {
    return this.outcome;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The end of its standard input. */
  closeInput(): Promise<Outcome> {
    this.child.stdin?.end();
    return this.outcome;
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    if (this.isRunning) this.child.kill(signal);
    return this.outcome;
  }
}
