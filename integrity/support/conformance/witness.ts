import { readFile } from 'node:fs/promises';
import { RawDevice } from '../raw-device.js';
import { HOSTILE_SECRET, type AttackedServer } from './attacked-server.js';

const PAUSE_MS = 20;

/** An uninvolved device that publishes one message after another while others misbehave. */
export class Witness {
  private isWatching = true;
  private serial = 0;
  /** The longest that it waited for a PUBACK, ms. */
  longestWaitMs = 0;
  /** The most that the server worked meanwhile, ms of a CPU: how busy the machine is does not matter to it. */
  mostWorkMs = 0;

  private constructor(
    private readonly device: RawDevice,
    private readonly server: AttackedServer,
  ) {}

  static async connected(server: AttackedServer, id: string): Promise<Witness> {
    await server.admit(id);
    const device = new RawDevice(id, HOSTILE_SECRET, 5);
    await device.connect(server.port);
    return new Witness(device, server);
  }

  /** Whether one more message is acknowledged. */
  isServed(): Promise<boolean> {
    return this.publish().then(
      () => true,
      () => false, // the connection has ended
    );
  }

  /** Publishes until `during` has ended, and once more; rejects when its connection ends. */
  async whileItLasts(during: Promise<unknown>): Promise<void> {
    this.isWatching = true;
    this.longestWaitMs = 0;
    this.mostWorkMs = 0;
    const watched = this.watch();
    await during.then(
      () => undefined,
      () => undefined, // what became of the attack is its caller's to see
    );
    this.isWatching = false;
    await watched;
  }

  close(): void {
    this.device.close();
  }

  private async watch(): Promise<void> {
    for (let last = false; !last;) {
      last = !this.isWatching;
      const workedMs = await workOf(this.server.pid);
      const from = performance.now();
      await this.publish();
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - from);
      this.mostWorkMs = Math.max(this.mostWorkMs, (await workOf(this.server.pid)) - workedMs);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // its pace
    }
  }

  private async publish(): Promise<void> {
    if (!this.device.isOpen) throw new Error('the uninvolved device was disconnected');
    this.device.publish(++this.serial, { ts: Date.now(), seq: this.serial, readings: { n: this.serial } });
    await this.device.allAcknowledged();
  }
}

/** User and system time of a process, ms; the kernel counts in ticks of 10. */
async function workOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name in brackets may hold spaces
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
