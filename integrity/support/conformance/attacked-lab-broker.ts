import { Inbox } from '@fieldgate/commit-log/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { forgetProcess, watchProcess } from '../../../ops/services/lifeline.mjs';
import { HEAP_OF_THE_ATTACKED, type AttackedServer } from './attacked-server.js';

const MAIN = fileURLToPath(new URL('../../../packages/mqtt-edge/lab-broker/dist/main.js', import.meta.url));
const LISTENS = /^lab broker: mqtt:\/\/127\.0\.0\.1:(\d+)$/;

/** The edge alone, which lets everybody in, as a process of its own. */
export class AttackedLabBroker implements AttackedServer {
  readonly isOpen = true;
  private child: ChildProcess | undefined;
  port = 0;

  static async started(): Promise<AttackedLabBroker> {
    const lab = new AttackedLabBroker();
    await lab.start();
    return lab;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  private async start(): Promise<void> {
    const child = spawn(process.execPath, ['--enable-source-maps', MAIN, '--port', '0'], {
      env: { PATH: process.env['PATH'], ...HEAP_OF_THE_ATTACKED },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    const own = { pid: this.pid, marker: MAIN };
    watchProcess(own); // nor may it outlive a test that runs into its time limit
    child.unref();
    (child.stdout as Socket).unref(); // a pipe of a child process is a socket
    child.once('exit', () => forgetProcess(own));
    const lines = new Inbox<string>();
    child.stdout.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n')));
    await lines.until((all) => all.some((line) => LISTENS.test(line)));
    this.port = Number(lines.all.map((line) => LISTENS.exec(line)?.[1]).find(Boolean));
  }

  admit(): Promise<void> {
    return Promise.resolve();
  }

  async restart(): Promise<void> {
    await this.end('SIGKILL');
    await this.start();
  }

  /** It must still be able to go by itself. */
  async stop(): Promise<void> {
    const code = await this.end('SIGTERM');
    if (code !== 0) throw new Error(`the lab broker ended with ${code}`);
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (!child) return 0;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  }
}
