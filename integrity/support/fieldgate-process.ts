import { Inbox } from '@fieldgate/commit-log/testing';
import { jest } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { forgetProcess, watchProcess } from '../../ops/services/lifeline.mjs';

const CLI = fileURLToPath(new URL('../../cli/dist/fieldgate.js', import.meta.url));
/** As `npm start` does it. */
const NODE_FLAGS = ['--max-semi-space-size=32', '--initial-old-space-size=96', '--enable-source-maps'];

export const ADMIN_KEY = 'integrity-admin-key-0001';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A start takes half a second on an idle machine, and several on one that is busy. */
jest.setTimeout(60_000);

/** `fieldgate start` as a process of its own, on free ports. */
export class FieldgateProcess {
  /** Every line it has written, to either stream. */
  readonly lines = new Inbox<string>();
  private readonly errors: string[] = [];
  /** Resolves when it is gone and everything it wrote has been read. */
  readonly ended: Promise<Ended>;
  /** On purpose, by the test. */
  wasKilled = false;

  private constructor(private readonly child: ChildProcess) {
    onLines(child.stdout, (line) => this.lines.push(line));
    onLines(child.stderr, (line) => {
      this.errors.push(line);
      this.lines.push(line);
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    // a test that runs into its time limit may not have come to hand over what it started: it must neither keep jest up nor outlive it
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref(); // pipes of a child process are sockets
    const own = { pid: child.pid ?? 0, marker: CLI };
    watchProcess(own);
    void this.ended.then(() => forgetProcess(own));
  }

  /** Launched and ready. */
  static async start(
    environment: Record<string, string>,
    roles: readonly string[] = [],
  ): Promise<FieldgateProcess> {
    const fieldgate = FieldgateProcess.launch(environment, roles);
    await fieldgate.ready();
    return fieldgate;
  }

  /** Launched, and nothing waited for. */
  static launch(environment: Record<string, string>, roles: readonly string[] = []): FieldgateProcess {
    const args = roles.length > 0 ? ['--role', ...roles] : [];
    return new FieldgateProcess(
      spawn(process.execPath, [...NODE_FLAGS, CLI, 'start', ...args], {
        env: {
          PATH: process.env['PATH'],
          FIELDGATE_LOG_FORMAT: 'json',
          FIELDGATE_MQTT_PORT: '0',
          FIELDGATE_HTTP_PORT: '0',
          FIELDGATE_ADMIN_KEY: ADMIN_KEY,
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get stderr(): string {
    return this.errors.join('\n');
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async ready(): Promise<void> {
    await this.said('ready');
  }

  /** Known as soon as HTTP answers, which is before the process is ready. */
  async httpUrl(): Promise<string> {
    return String((await this.said('http listening'))['http']);
  }

  /** Known once the process is ready. */
  async mqttPort(): Promise<number> {
    return Number(new URL(String((await this.said('ready'))['mqtt'])).port);
  }

  /** The first log line with this message; rejects with what was written when the process ends without it. */
  async said(message: string): Promise<Record<string, unknown>> {
    const said = this.lines.until((all) => all.some((line) => parseLine(line)?.['msg'] === message));
    await Promise.race([said, this.ended]);
    for (const line of this.lines.all) {
      const entry = parseLine(line);
      if (entry?.['msg'] === message) return entry;
    }
    const { code, signal } = await this.ended;
    const last = this.lines.all.slice(-20).join('\n');
    throw new Error(`fieldgate ended (${code ?? signal}) and never said "${message}":\n${last}`);
  }

  /** SIGKILL, and gone. */
  async kill(): Promise<void> {
    this.wasKilled = true;
    if (this.isRunning) this.child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    if (this.isRunning) this.child.kill('SIGTERM');
    return (await this.ended).code;
  }
}

function onLines(stream: NodeJS.ReadableStream | null, listener: (line: string) => void): void {
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(listener);
  });
  stream?.once('end', () => {
    if (rest !== '') listener(rest);
  });
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>; // pino writes objects
  } catch {
    return undefined; // a line for people
  }
}
