import { connect, type Socket } from 'node:net';
import { frame, PacketCutter, text } from '../support/mqtt-bytes.js';

export type Version = 4 | 5;

/** One message of a device; sent again as it is until it is answered. */
export interface Message {
  readonly n: number;
  readonly payload: Buffer;
  /** `performance.now()` of the first time. */
  readonly publishedAt: number;
  /** It is refused by design, and must not be stored. */
  readonly isBad: boolean;
}

interface InFlight {
  readonly message: Message;
  sentAt: number;
}

const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 2_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** A device that hears nothing for so long takes the connection for dead. */
const ANSWER_TIMEOUT_MS = 20_000;
const PING_MS = 20_000;
const KEEP_ALIVE_SECONDS = 60;
const REFUSED_FROM = 0x80;
const PINGREQ = Buffer.from([0xc0, 0]);

/**
 * A good device: keeps its session, connects again with back-off, and sends what was not acknowledged again, in order and with DUP
 * ([MQTT-4.4.0-1], [MQTT-4.6.0-1]). It keeps its own books.
 */
export class LoadDevice {
  readonly acknowledged = new Set<number>();
  /** Answered with a reason code that says no (MQTT 5). */
  readonly refused = new Map<number, number>();
  readonly bad = new Set<number>();
  /** May be missing in the store, acknowledged or not: their only copy was damaged on purpose. */
  readonly spoilt = new Set<number>();
  /** Reason codes of CONNACKs that said no, and of DISCONNECTs. */
  readonly farewells = new Set<number>();
  published = 0;
  connects = 0;
  /** `publishedAt` of the newest message that was acknowledged. */
  newestAcknowledged = 0;
  private readonly inFlight = new Map<number, InFlight>();
  private socket: Socket | undefined;
  private isConnected = false;
  private closed = false;
  private failures = 0;
  private retry: NodeJS.Timeout | undefined;
  private openedAt = 0;
  private heardAt = 0;
  private pingedAt = 0;
  private nextPacketId = 0;

  constructor(
    readonly id: string,
    private readonly secret: string,
    readonly version: Version,
    private readonly port: () => number,
    private readonly random: () => number,
  ) {}

  get unanswered(): number {
    return this.inFlight.size;
  }

  get isOnline(): boolean {
    return this.isConnected;
  }

  /** Of the door that it has gone through; undefined while it has no connection. */
  get connectedTo(): number | undefined {
    return this.isConnected ? this.socket?.remotePort : undefined;
  }

  /** Connects, and stays so until `close`. */
  open(): void {
    if (this.closed || this.socket !== undefined) return;
    const socket = connect({ port: this.port(), host: '127.0.0.1', noDelay: true });
    this.socket = socket;
    this.openedAt = performance.now();
    const cutter = new PacketCutter((type, body) => this.hear(type, body));
    socket.on('connect', () => socket.write(this.connectPacket()));
    socket.on('data', (bytes) => cutter.add(bytes));
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => this.lost(socket));
  }

  /** QoS 1. Goes out when there is a connection. */
  publish(message: Message): void {
    do this.nextPacketId = (this.nextPacketId % 60_000) + 1;
    while (this.inFlight.has(this.nextPacketId));
    this.published += 1;
    if (message.isBad) this.bad.add(message.n);
    this.inFlight.set(this.nextPacketId, { message, sentAt: performance.now() });
    if (this.isConnected) this.socket?.write(this.publishPacket(this.nextPacketId, message.payload, false));
  }

  /** To be called about every second: a dead connection is noticed, a living one kept alive. */
  look(): void {
    const now = performance.now();
    if (this.socket === undefined) return;
    if (!this.isConnected) {
      if (now - this.openedAt > CONNECT_TIMEOUT_MS) this.socket.destroy();
      return;
    }
    const [oldest] = this.inFlight.values();
    const waitsSince = oldest === undefined ? this.pingedAt : Math.min(oldest.sentAt, this.pingedAt || now);
    if (waitsSince > 0 && now - Math.max(waitsSince, this.heardAt) > ANSWER_TIMEOUT_MS) this.socket.destroy();
    else if (this.pingedAt === 0 && now - this.heardAt > PING_MS) {
      this.pingedAt = now;
      this.socket.write(PINGREQ);
    }
  }

  /** As a lost network does; the device comes back by itself. */
  drop(): void {
    this.socket?.destroy();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.destroy();
  }

  private lost(socket: Socket): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.failures = this.isConnected ? 0 : this.failures + 1;
    this.isConnected = false;
    if (this.closed) return;
    const longest = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** this.failures);
    this.retry = setTimeout(() => this.open(), longest * (0.5 + this.random() / 2));
  }

  private hear(type: number, body: Buffer): void {
    this.heardAt = performance.now();
    this.pingedAt = 0;
    if (type === 2) this.connected(body[0] === 1, body[1] ?? REFUSED_FROM);
    if (type === 4) this.answered(body.readUInt16BE(0), body[2] ?? 0);
    if (type !== 14) return;
    this.farewells.add(body[0] ?? 0);
    this.socket?.destroy();
  }

  private connected(sessionPresent: boolean, code: number): void {
    if (code !== 0) {
      this.farewells.add(code);
      return void this.socket?.destroy();
    }
    this.isConnected = true;
    this.connects += 1;
    for (const [id, entry] of this.inFlight) {
      entry.sentAt = performance.now();
      this.socket?.write(this.publishPacket(id, entry.message.payload, sessionPresent));
    }
  }

  private answered(packetId: number, code: number): void {
    const entry = this.inFlight.get(packetId);
    if (entry === undefined) return;
    this.inFlight.delete(packetId);
    const { n, publishedAt } = entry.message;
    if (code >= REFUSED_FROM) return void this.refused.set(n, code);
    this.acknowledged.add(n);
    this.newestAcknowledged = Math.max(this.newestAcknowledged, publishedAt);
  }

  private connectPacket(): Buffer {
    const sessionExpiry = this.version === 5 ? Buffer.from([5, 0x11, 0, 0, 0x0e, 0x10]) : Buffer.alloc(0);
    return frame(0x10, [
      text('MQTT'),
      Buffer.from([this.version, 0xc0, 0, KEEP_ALIVE_SECONDS]),
      sessionExpiry,
      text(this.id),
      text(this.id),
      text(this.secret),
    ]);
  }

  private publishPacket(packetId: number, payload: Buffer, dup: boolean): Buffer {
    return frame(dup ? 0x3a : 0x32, [
      text(`devices/${this.id}/telemetry`),
      Buffer.from([packetId >> 8, packetId & 255]),
      this.version === 5 ? Buffer.from([0]) : Buffer.alloc(0),
      payload,
    ]);
  }
}
