import { connect, type Socket } from 'node:net';
import { frame, PacketCutter, text } from '../support/mqtt-bytes.js';

export interface BystanderOptions {
  readonly port: number;
  readonly id: string;
  readonly secret: string;
  readonly version?: 4 | 5;
  readonly keepAliveSeconds?: number;
}

const PUBLISH = 3;
const PINGREQ = Buffer.from([0xc0, 0]);

/** A device beside the load: it connects once, keeps the connection alive, publishes nothing, and does as little as the case wants. */
export class Bystander {
  /** Reason code of CONNACK (MQTT 3.1.1: return code). */
  connack: number | undefined;
  isClosed = false;
  commands = 0;
  private readonly socket: Socket;
  private readonly pings: NodeJS.Timeout;

  constructor(private readonly options: BystanderOptions) {
    const { port, keepAliveSeconds = 60 } = options;
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const cutter = new PacketCutter((type, body) => this.hear(type, body));
    this.socket.on('connect', () => this.socket.write(this.connectPacket()));
    this.socket.on('data', (bytes) => cutter.add(bytes));
    this.socket.on('error', () => undefined); // `close` follows
    this.socket.on('close', () => {
      this.isClosed = true;
      clearInterval(this.pings);
    });
    this.pings = setInterval(() => this.isIn && this.socket.write(PINGREQ), (keepAliveSeconds * 1_000) / 3);
  }

  get isIn(): boolean {
    return this.connack === 0 && !this.isClosed;
  }

  subscribeToCommands(): void {
    const { id, version = 4 } = this.options;
    const properties = version === 5 ? Buffer.from([0]) : Buffer.alloc(0);
    this.socket.write(
      frame(0x82, [Buffer.from([0, 1]), properties, text(`devices/${id}/commands/#`), Buffer.from([1])]),
    );
  }

  /** Reads nothing from now on, and stays. */
  freeze(): void {
    this.socket.pause();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private hear(type: number, body: Buffer): void {
    if (type === 2) this.connack = body[1];
    if (type === PUBLISH) this.commands += 1;
  }

  private connectPacket(): Buffer {
    const { id, secret, version = 4, keepAliveSeconds = 60 } = this.options;
    return frame(0x10, [
      text('MQTT'),
      Buffer.from([version, 0xc2, keepAliveSeconds >> 8, keepAliveSeconds & 255]),
      version === 5 ? Buffer.from([0]) : Buffer.alloc(0),
      text(id),
      text(id),
      text(secret),
    ]);
  }
}
