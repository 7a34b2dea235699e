import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  connectPacket,
  firstPacketLength,
  PacketType,
  PINGREQ,
  PINGRESP,
  reasonOf,
  typeOf,
} from './packet-bytes.js';

/** What comes from a broker: a packet, the end of the connection, or nothing in time. */
export type Heard = Buffer | 'closed' | 'silent';

export function inWords(heard: Heard): string {
  return typeof heard === 'string' ? heard : heard.toString('hex');
}

/** The broker did not accept a connection or an ordinary CONNECT. */
export class NotServed extends Error {}

/** One TCP connection, read packet by packet. */
export class Wire {
  private bytes: Buffer = Buffer.alloc(0);
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly socket: Socket,
    private readonly timeoutMs: number,
  ) {
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.wake();
    });
    socket.on('error', () => undefined); // a reset: `close` follows
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
  }

  send(packet: Buffer): void {
    if (this.socket.writable) this.socket.write(packet);
  }

  async next(): Promise<Heard> {
    const deadline = performance.now() + this.timeoutMs;
    for (;;) {
      const length = firstPacketLength(this.bytes);
      if (length !== undefined) {
        const packet = this.bytes.subarray(0, length);
        this.bytes = this.bytes.subarray(length);
        return packet;
      }
      if (this.ended) return 'closed';
      const left = deadline - performance.now();
      if (left <= 0) return 'silent';
      await this.somethingWithin(left);
    }
  }

  /** What comes after a PINGREQ. */
  ping(): Promise<Heard> {
    this.send(PINGREQ);
    return this.next();
  }

  close(): void {
    this.socket.destroy();
  }

  private somethingWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Clients of one broker, each with an id of its own. */
export class Clients {
  private opened = 0;

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly timeoutMs: number,
  ) {}

  async open(): Promise<Wire> {
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    const wire = new Wire(socket, this.timeoutMs);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new NotServed('no connection', { cause: error });
    }
    return wire;
  }

  async connected(version: 3 | 4 | 5): Promise<Wire> {
    const wire = await this.open();
    wire.send(connectPacket(version, `vector${++this.opened}`));
    const heard = await wire.next();
    if (typeof heard !== 'string' && typeOf(heard) === PacketType.CONNACK && reasonOf(heard) === 0)
      return wire;
    wire.close();
    throw new NotServed(`an ordinary CONNECT of version ${version} was answered with ${inWords(heard)}`);
  }

  /** Whether the broker serves a new client. */
  async areServed(): Promise<boolean> {
    try {
      const wire = await this.connected(4);
      const heard = await wire.ping();
      wire.close();
      return typeof heard !== 'string' && heard.equals(PINGRESP);
    } catch (error) {
      if (error instanceof NotServed) return false;
      throw error;
    }
  }
}
