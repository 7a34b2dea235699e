import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { frame, PacketCutter, text } from './mqtt-bytes.js';

type Version = 4 | 5;

/** Bytes of MQTT by hand: a client that keeps its own books, so that a test knows exactly what was acknowledged. */
export class RawDevice {
  private socket: Socket | undefined;
  private readonly unacknowledged = new Map<number, { readonly n: number; readonly payload: Buffer }>();
  private nextPacketId = 0;
  private waiting: { readonly type: number; readonly resolve: (packet: Buffer) => void }[] = [];
  /** Serial numbers whose PUBACK has come. */
  readonly acknowledged = new Set<number>();
  sent = 0;
  connackCode = -1;
  sessionPresent = false;
  /** Of the DISCONNECT with which the gateway ended the connection (MQTT 5); undefined when it just closed. */
  disconnectReason: number | undefined;
  onAcknowledged: () => void = () => undefined;
  onClosed: () => void = () => undefined;

  constructor(
    readonly id: string,
    private readonly secret: string,
    readonly version: Version,
  ) {}

  get inFlight(): number {
    return this.unacknowledged.size;
  }

  get isOpen(): boolean {
    return this.socket !== undefined && !this.socket.destroyed;
  }

  async connect(port: number, options: { clean: boolean } = { clean: false }): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const before = this.socket;
    this.socket = socket;
    this.disconnectReason = undefined;
    const cutter = new PacketCutter((type, body) => this.take(type, body));
    socket.on('error', () => undefined); // a killed gateway; `close` follows
    socket.on('data', (chunk) => cutter.add(chunk));
    socket.on('close', () => {
      if (this.socket === socket) this.onClosed();
    });
    await once(socket, 'connect');
    const sessionExpiry = this.version === 5 ? Buffer.from([5, 0x11, 0, 0, 0x0e, 0x10]) : Buffer.alloc(0);
    socket.write(
      frame(0x10, [
        text('MQTT'),
        Buffer.from([this.version, 0xc0 | (options.clean ? 2 : 0), 0, 60]),
        sessionExpiry,
        text(this.id),
        text(this.id),
        text(this.secret),
      ]),
    );
    const connack = await this.next(2);
    this.sessionPresent = connack[0] === 1;
    this.connackCode = connack[1] ?? -1;
    before?.destroy(); // one that is not read does not notice that it was closed
  }

  async subscribe(filter: string): Promise<void> {
    const properties = this.version === 5 ? Buffer.from([0]) : Buffer.alloc(0);
    this.write(frame(0x82, [Buffer.from([0xff, 0xff]), properties, text(filter), Buffer.from([1])]));
    await this.next(9);
  }

  /** QoS 1; `n` is the serial number in it. */
  publish(n: number, payload: Record<string, unknown>): void {
    do this.nextPacketId = (this.nextPacketId % 60_000) + 1;
    while (this.unacknowledged.has(this.nextPacketId));
    const bytes = Buffer.from(JSON.stringify(payload));
    this.unacknowledged.set(this.nextPacketId, { n, payload: bytes });
    this.sent += 1;
    this.write(this.packet(this.nextPacketId, bytes, false));
  }

  /** Everything unacknowledged again, DUP set, in order: what a client does that kept its session ([MQTT-4.4.0-1]). */
  resend(): void {
    for (const [id, { payload }] of this.unacknowledged) this.write(this.packet(id, payload, true));
  }

  /** Resolves when nothing is in flight; rejects when the connection closes before that. */
  allAcknowledged(): Promise<void> {
    if (this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.onAcknowledged = () => {
        if (this.inFlight === 0) resolve();
      };
      this.onClosed = () => reject(new Error(`connection of ${this.id} closed`));
    });
  }

  /** Reads nothing from now on: what the gateway answers is lost with the connection. */
  stopReading(): void {
    this.socket?.pause();
  }

  close(): void {
    const { socket } = this;
    this.socket = undefined;
    socket?.destroy();
  }

  private packet(id: number, payload: Buffer, dup: boolean): Buffer {
    const idBytes = Buffer.from([id >> 8, id & 255]);
    return frame(dup ? 0x3a : 0x32, [
      text(`devices/${this.id}/telemetry`),
      idBytes,
      this.version === 5 ? Buffer.from([0]) : Buffer.alloc(0),
      payload,
    ]);
  }

  private write(bytes: Buffer): void {
    if (this.socket && !this.socket.destroyed) this.socket.write(bytes);
  }

  private next(type: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ type, resolve });
      this.socket?.once('close', () =>
        reject(new Error(`connection of ${this.id} closed before packet type ${type} came`)),
      );
    });
  }

  private take(type: number, body: Buffer): void {
    if (type === 4) {
      const id = body.readUInt16BE(0);
      const message = this.unacknowledged.get(id);
      if (message && (body[2] ?? 0) < 0x80) {
        this.unacknowledged.delete(id);
        this.acknowledged.add(message.n);
        this.onAcknowledged();
      }
      return;
    }
    if (type === 14) this.disconnectReason = body[0] ?? 0;
    const index = this.waiting.findIndex((waiter) => waiter.type === type);
    if (index >= 0) this.waiting.splice(index, 1)[0]?.resolve(Buffer.from(body));
  }
}
