import { RawDevice } from '../raw-device.js';
import { HOSTILE_SECRET, type AttackedServer } from './attacked-server.js';

const PAUSE_MS = 20;

/** An uninvolved device that publishes one message after another while others misbehave. */
export class Witness {
  private isWatching = true;
  private serial = 0;
  /** The longest that it waited for a PUBACK, ms. */
  longestWaitMs = 0;

  private constructor(private readonly device: RawDevice) {}

  static async connected(server: AttackedServer, id: string): Promise<Witness> {
    await server.admit(id);
    const device = new RawDevice(id, HOSTILE_SECRET, 5);
    await device.connect(server.port);
    return new Witness(device);
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
      const from = performance.now();
      await this.publish();
      this.longestWaitMs = Math.max(this.longestWaitMs, performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS)); // its pace
    }
  }

  private async publish(): Promise<void> {
    if (!this.device.isOpen) throw new Error('the uninvolved device was disconnected');
    this.device.publish(++this.serial, { ts: Date.now(), seq: this.serial, readings: { n: this.serial } });
    await this.device.allAcknowledged();
  }
}
