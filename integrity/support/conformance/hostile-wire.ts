import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PacketCutter } from '../mqtt-bytes.js';
import { reasonString, Type } from './hostile-packets.js';

const QUIET_MS = 10_000;
const SENT_ENOUGH_BYTES = 65_536;

export interface HeardPacket {
  readonly type: number;
  readonly body: Buffer;
}

/** One connection of an attacker: sends any bytes, and waits for what it is told. */
export class HostileWire {
  private readonly heard: HeardPacket[] = [];
  private readonly waiting = new Set<() => void>();
  private ended = false;
  /** Since the last turn in which answers could come in. */
  private sentBytes = 0;
  /** The DISCONNECT with which the server said farewell. */
  farewell: { readonly reason: number; readonly says: string } | undefined;

  private constructor(private readonly socket: Socket) {
    const cutter = new PacketCutter((type, body) => this.hear({ type, body: Buffer.from(body) }));
    socket.on('data', (chunk) => cutter.add(chunk));
    socket.on('error', () => undefined); // a reset: `close` follows
    socket.on('drain', () => this.wake());
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
  }

  static async open(port: number): Promise<HostileWire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new HostileWire(socket);
  }

  /** By which the server’s system knows it. */
  get localPort(): number {
    return this.socket.localPort ?? 0;
  }

  get isClosed(): boolean {
    return this.ended;
  }

  /** Waits while much is unsent, and hears what came now and then; false when the server has closed, or takes nothing for ten seconds. */
  async send(...packets: readonly Buffer[]): Promise<boolean> {
    if (this.ended) return false;
    const bytes = Buffer.concat(packets);
    this.socket.write(bytes);
    this.sentBytes += bytes.length;
    if (this.sentBytes >= SENT_ENOUGH_BYTES) {
      this.sentBytes = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.socket.writableLength < SENT_ENOUGH_BYTES) return true;
    return this.until(() => this.socket.writableLength < SENT_ENOUGH_BYTES, QUIET_MS);
  }

  /** The next packet of this type (others are passed over); undefined when the connection ends or nothing comes in time. */
  async next(type: number, withinMs = QUIET_MS): Promise<Buffer | undefined> {
    let found: HeardPacket | undefined;
    await this.until(() => {
      while (!found && this.heard.length > 0) {
        const packet = this.heard.shift();
        if (packet?.type === type) found = packet;
      }
      return found !== undefined;
    }, withinMs);
    return found?.body;
  }

  /** Whether the server closes the connection in time. */
  async closes(withinMs = QUIET_MS): Promise<boolean> {
    await this.until(() => false, withinMs);
    return this.ended;
  }

  /** Reads nothing from now on. */
  freeze(): void {
    this.socket.pause();
  }

  close(): void {
    this.socket.destroy();
  }

  private hear(packet: HeardPacket): void {
    if (packet.type === Type.DISCONNECT)
      this.farewell = { reason: packet.body[0] ?? 0, says: reasonString(packet.body.subarray(1)) };
    this.heard.push(packet);
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
  }

  /** Looks at every event of the connection; false when it has ended or the time is up before. */
  private async until(condition: () => boolean, withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (!condition()) {
      const left = deadline - performance.now();
      if (this.ended || left <= 0) return false;
      await this.anEventWithin(left);
    }
    return true;
  }

  private anEventWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const happened = (): void => {
        clearTimeout(timer);
        this.waiting.delete(happened);
        resolve();
      };
      const timer = setTimeout(happened, ms);
      this.waiting.add(happened);
    });
  }
}
