import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const UP_WITHIN_MS = 20_000;
const ASK_AGAIN_MS = 50;

/** A broker as a process of its own, that may end and be started again. */
export class BrokerProcess {
  private child: ChildProcess | undefined;

  constructor(
    /** For the shell. */
    private readonly command: string,
    private readonly port: number,
  ) {}

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    await this.stop();
    const child = spawn(`exec ${this.command}`, { shell: true, stdio: ['ignore', 'ignore', 'inherit'] });
    this.child = child;
    const deadline = performance.now() + UP_WITHIN_MS;
    while (!(await takesConnections(this.port))) {
      if (hasEnded(child)) throw new Error(`"${this.command}" has ended`);
      if (performance.now() > deadline) throw new Error(`"${this.command}" takes no connections`);
      await pause(ASK_AGAIN_MS);
    }
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (!child || hasEnded(child)) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

/** On loopback, for a process that is started next. */
export async function aFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // of TCP
  server.close();
  await once(server, 'close');
  return port;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
