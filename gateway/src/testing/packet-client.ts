import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, parser, type IConnectPacket, type Packet } from 'mqtt-packet';
import { SECRET } from './given-gateway.js';

/** Before jest ends the test, which does not say what it waited for. */
const ANSWER_WITHIN_MS = 4_000;

/** Of `pump-7`, by MQTT 3.1.1. */
export const CONNECT: IConnectPacket = {
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: 'pump-7',
  keepalive: 60,
  username: 'pump-7',
  password: Buffer.from(SECRET),
};

/** A client that sends just the packets that a test wants, and does nothing by itself. */
export class PacketClient {
  private readonly received: Packet[] = [];
  private waiting: (() => void) | undefined;
  readonly closed: Promise<unknown>;

  private constructor(
    readonly socket: Socket,
    private readonly protocolVersion: 4 | 5,
  ) {
    const decoder = parser({ protocolVersion });
    decoder.on('packet', (packet) => {
      this.received.push(packet);
      this.waiting?.();
    });
    socket.on('data', (chunk) => decoder.parse(chunk));
    socket.on('error', () => undefined); // a connection that the test breaks
    this.closed = once(socket, 'close');
  }

  /** Connected by TCP, and its CONNECT sent as `pump-7`. */
  static async open(port: number, more: Partial<IConnectPacket> = {}): Promise<PacketClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new PacketClient(socket, more.protocolVersion === 5 ? 5 : 4);
    client.send({ ...CONNECT, ...more });
    return client;
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: this.protocolVersion }));
  }

  /** The next packet that has come or will come. */
  async next(withinMs = ANSWER_WITHIN_MS): Promise<Packet> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      const error = new Error(`the gateway has sent no packet within ${withinMs} ms`);
      timer = setTimeout(() => reject(error), withinMs);
    });
    try {
      for (;;) {
        const packet = this.received.shift();
        if (packet) return packet;
        await Promise.race([
          new Promise<void>((resolve) => (this.waiting = resolve)),
          this.closed.then(() => {
            throw new Error('the gateway has closed the connection');
          }),
          tooLate,
        ]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}
