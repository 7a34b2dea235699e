import { Inbox } from '@fieldgate/commit-log/testing';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { binary, frame, PacketCutter, text } from './mqtt-bytes.js';

export interface Connect {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly clean?: boolean;
  readonly will?: { readonly topic: string; readonly payload: string };
}

/** What the gateway said to something: a packet with its reason, or the end of the connection. */
export type Reaction =
  | { readonly packet: 'CONNACK' | 'PUBACK' | 'SUBACK' | 'DISCONNECT'; readonly reason: number }
  | { readonly packet: 'PUBLISH' }
  | { readonly packet: 'closed' };

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;
const DISCONNECT = 14;

/** A connection that says whatever it is told to, and reports what it hears, packet by packet. */
export class Stranger {
  readonly heard = new Inbox<Reaction>();
  /** Bodies of the CONNACKs, for what stands in their properties. */
  readonly connacks: Buffer[] = [];
  private read = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly version: 4 | 5,
  ) {
    const cutter = new PacketCutter((type, body) => this.hear(type, Buffer.from(body)));
    socket.on('data', (chunk) => cutter.add(chunk));
    socket.on('error', () => undefined); // a reset: `close` follows
    socket.on('close', () => this.heard.push({ packet: 'closed' }));
  }

  static async open(port: number, version: 4 | 5): Promise<Stranger> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Stranger(socket, version);
  }

  connect({ clientId, username, password, clean = true, will }: Connect): Promise<Reaction> {
    const flags = 0xc0 | (clean ? 2 : 0) | (will ? 4 : 0);
    const none = this.noProperties();
    return this.send(
      frame(0x10, [
        text('MQTT'),
        Buffer.from([this.version, flags, 0, 60]),
        none,
        text(clientId),
        ...(will ? [none, text(will.topic), text(will.payload)] : []),
        text(username),
        binary(Buffer.from(password)),
      ]),
    );
  }

  /** QoS 1. */
  publish(topic: string, payload: Buffer, options: { readonly retain?: boolean } = {}): Promise<Reaction> {
    const header = options.retain ? 0x33 : 0x32;
    return this.send(frame(header, [text(topic), Buffer.from([0, 1]), this.noProperties(), payload]));
  }

  subscribe(filter: string): Promise<Reaction> {
    return this.send(frame(0x82, [Buffer.from([0, 2]), this.noProperties(), text(filter), Buffer.from([1])]));
  }

  /** The next thing that is heard after these bytes. */
  async send(bytes: Buffer): Promise<Reaction> {
    this.socket.write(bytes);
    return this.next();
  }

  async next(): Promise<Reaction> {
    const index = this.read++;
    const heard = await this.heard.count(index + 1);
    return heard[index] ?? { packet: 'closed' };
  }

  close(): void {
    this.socket.destroy();
  }

  private noProperties(): Buffer {
    return this.version === 5 ? Buffer.from([0]) : Buffer.alloc(0);
  }

  private hear(type: number, body: Buffer): void {
    if (type === CONNACK) {
      this.connacks.push(body);
      this.heard.push({ packet: 'CONNACK', reason: body[1] ?? -1 });
    }
    if (type === PUBLISH) this.heard.push({ packet: 'PUBLISH' });
    if (type === PUBACK) this.heard.push({ packet: 'PUBACK', reason: body[2] ?? 0 }); // left out: success
    if (type === SUBACK) this.heard.push({ packet: 'SUBACK', reason: body.at(-1) ?? -1 });
    if (type === DISCONNECT) this.heard.push({ packet: 'DISCONNECT', reason: body[0] ?? 0 });
  }
}
