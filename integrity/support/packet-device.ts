import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, parser, type Packet } from 'mqtt-packet';

const ANSWER_WITHIN_MS = 30_000;

export interface Sent {
  readonly qos: 0 | 1 | 2;
  readonly messageId?: number;
  readonly dup?: boolean;
}

/** A device (MQTT 3.1.1) that sends just the packets that a test wants: it repeats and loses what the test says. */
export class PacketDevice {
  private readonly heard: Packet[] = [];
  private wake: () => void = () => undefined;
  private isClosed = false;
  sessionPresent = false;

  private constructor(
    private readonly id: string,
    private readonly socket: Socket,
  ) {
    const decoder = parser({ protocolVersion: 4 });
    decoder.on('packet', (packet) => {
      this.heard.push(packet);
      this.wake();
    });
    socket.on('data', (chunk) => decoder.parse(chunk));
    socket.on('error', () => undefined); // a connection that the test breaks: `close` follows
    socket.on('close', () => {
      this.isClosed = true;
      this.wake();
    });
  }

  /** With a session that is kept, unless it is clean. */
  static async open(port: number, id: string, secret: string, clean = false): Promise<PacketDevice> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const device = new PacketDevice(id, socket);
    device.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean,
      clientId: id,
      keepalive: 60,
      username: id,
      password: Buffer.from(secret),
    });
    const connack = await device.next();
    if (connack.cmd !== 'connack' || connack.returnCode !== 0) throw new Error(`${id} was not let in`);
    device.sessionPresent = connack.sessionPresent;
    return device;
  }

  publish(payload: unknown, { qos, messageId, dup = false }: Sent): void {
    this.send({
      cmd: 'publish',
      topic: `devices/${this.id}/telemetry`,
      payload: JSON.stringify(payload),
      qos,
      dup,
      retain: false,
      ...(messageId === undefined ? {} : { messageId }),
    });
  }

  release(messageId: number): void {
    this.send({ cmd: 'pubrel', messageId });
  }

  /** The next packet of the gateway, which must not be the end. */
  async next(): Promise<Packet> {
    const deadline = performance.now() + ANSWER_WITHIN_MS;
    for (;;) {
      const packet = this.heard.shift();
      if (packet) return packet;
      if (this.isClosed) throw new Error(`the connection of ${this.id} was closed`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`the gateway has sent ${this.id} nothing`);
      await this.somethingNew(left);
    }
  }

  /** What the gateway answers from now on is lost on its way. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Without a word. */
  destroy(): void {
    this.socket.destroy();
  }

  private send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: 4 }));
  }

  private async somethingNew(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
