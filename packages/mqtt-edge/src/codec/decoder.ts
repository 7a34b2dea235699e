import { FixedHeaderReader } from './fixed-header-reader.js';
import type { Role } from './fixed-headers.js';
import {
  PacketType,
  type Packet,
  type ProtocolVersion,
  type ProtocolViolation,
  type PublishPacket,
} from './packet.js';
import { PacketGatherer } from './packet-gatherer.js';
import { PacketReader } from './packet-reader.js';
import { malformed, violationOf, type Objection } from './protocol-violation.js';
import type { InboundPublish } from './inbound-publish.js';
import { readAcknowledgement, readAuth, readConnack, readDisconnect } from './read-answers.js';
import { readConnect, readProtocol } from './read-connect.js';
import { readPublish } from './read-publish.js';
import { readSuback, readSubscribe, readUnsuback, readUnsubscribe } from './read-subscriptions.js';
import { TopicMemory } from './topic-memory.js';

/** What a decoder makes: packets, the PUBLISHes among them with views of what arrived. */
export type InboundPacket = Exclude<Packet, PublishPacket> | InboundPublish;

/** What a decoder must know beforehand. */
export interface DecoderOptions {
  /** Who reads. A server takes the version from CONNECT, a client says it. */
  readonly role: Role;
  /** Bytes of a whole packet, fixed header included: what this side has told the other ([MQTT-3.2.2-15], [MQTT-3.1.2-24]). */
  readonly maximumPacketSize: number;
  /** Default: a server waits for CONNECT, a client speaks MQTT 5. */
  readonly version?: ProtocolVersion;
  /**
   * Default true: client ids, user names, topics and filters with control characters (U+0001..U+001F, U+007F..U+009F) or non-characters are
   * malformed. 1.5.4 says that a sender should not and a receiver may refuse; Mosquitto's vectors want them refused in each of these
   * places, and a broker that lets them pass makes its subscribers refuse them. Other strings (user properties, content type, reason
   * strings) are taken as they come.
   */
  readonly strictStrings?: boolean;
  /** Default false: a will that says it is UTF-8 is believed (3.1.3.2.3: the receiver may check). */
  readonly checkWillPayload?: boolean;
}

/** Chunks that are kept behind the reader at least until they are let go together. */
const LET_GO_AFTER = 16;

/**
 * Bytes in, packets out, by pulling: `write` what arrived, `read` until `undefined`. Views in a packet point into the chunk that was
 * written, so a chunk must not be changed afterwards; a packet that comes in pieces gets memory of its own.
 */
export class Decoder {
  private readonly checkWillPayload: boolean;
  private readonly header: FixedHeaderReader;
  private readonly reader: PacketReader;
  private readonly topics = new TopicMemory();
  private readonly gatherer = new PacketGatherer();
  private violated: ProtocolViolation | undefined;
  private chunk: Buffer | undefined;
  private at = 0;
  /** Chunks behind `chunk`; empty as long as the caller reads until `undefined`. */
  private waiting: Buffer[] = [];
  private nextWaiting = 0;

  constructor(options: DecoderOptions) {
    this.checkWillPayload = options.checkWillPayload ?? false;
    this.header = new FixedHeaderReader(options.role, options.maximumPacketSize);
    this.reader = new PacketReader(options.role, options.strictStrings ?? true);
    const version = options.version ?? (options.role === 'client' ? 5 : undefined);
    if (version !== undefined) this.agree(version, true);
  }

  /** The version of CONNECT; known also when the rest of that CONNECT is a violation, so that it can be answered. */
  get version(): ProtocolVersion | undefined {
    return this.header.version;
  }

  get maximumPacketSize(): number {
    return this.header.maximumPacketSize;
  }

  /** May change while the connection lives: before log-in a smaller one is enough. */
  set maximumPacketSize(bytes: number) {
    this.header.maximumPacketSize = bytes;
  }

  /** Whether there are bytes that `read` has not looked at yet. */
  get hasUnread(): boolean {
    return this.chunk !== undefined && this.violated === undefined;
  }

  write(chunk: Buffer): void {
    if (this.violated !== undefined || chunk.length === 0) return;
    if (this.chunk !== undefined) {
      this.waiting.push(chunk);
      return;
    }
    this.chunk = chunk;
    this.at = 0;
  }

  /** The next packet; undefined: its last byte is not there yet. After a violation there is nothing else. */
  read(): InboundPacket | ProtocolViolation | undefined {
    for (;;) {
      if (this.violated !== undefined) return this.violated;
      const { chunk } = this;
      if (chunk === undefined) return undefined;
      if (this.gatherer.isGathering) {
        const whole = this.gather(chunk);
        if (whole !== undefined) return this.decode(whole, 0, whole.length);
        continue;
      }
      const from = this.at;
      const length = this.header.packetLength(chunk, from, chunk.length);
      if (length > 0 && from + length <= chunk.length) {
        this.advance(chunk, from + length);
        return this.decode(chunk, from, from + length);
      }
      if (!this.isRefused()) this.gatherer.start();
    }
  }

  /** Moves what `chunk` has of the packet in pieces to the gatherer; the whole packet, once it is. */
  private gather(chunk: Buffer): Buffer | undefined {
    const { gatherer } = this;
    while (gatherer.total === 0 && this.at < chunk.length) {
      gatherer.addByte(chunk[this.at++] as number); // at < length
      const total = this.header.packetLength(gatherer.bytes, 0, gatherer.length);
      if (this.isRefused()) return undefined;
      gatherer.total = total;
    }
    const taken = gatherer.add(chunk, this.at);
    this.advance(chunk, this.at + taken);
    return gatherer.takeWhole();
  }

  private advance(chunk: Buffer, at: number): void {
    this.at = at;
    if (at < chunk.length) return;
    this.chunk = this.waiting.length === 0 ? undefined : this.takeWaiting(); // a chunk that was read is not kept alive
    this.at = 0;
  }

  /** Not by `shift`, which moves all that is behind: a caller that writes for long before it reads would pay for each byte again and again. */
  private takeWaiting(): Buffer | undefined {
    const { waiting } = this;
    const chunk = waiting[this.nextWaiting++];
    if (this.nextWaiting === waiting.length) this.forgetWaiting();
    else if (this.nextWaiting >= LET_GO_AFTER && this.nextWaiting * 2 >= waiting.length) {
      this.waiting = waiting.slice(this.nextWaiting);
      this.nextWaiting = 0;
    }
    return chunk;
  }

  private forgetWaiting(): void {
    this.waiting = [];
    this.nextWaiting = 0;
  }

  /** By the fixed header that was read last. */
  private isRefused(): boolean {
    const { objection, packetType } = this.header;
    if (objection === undefined) return false;
    this.fail(objection, packetType);
    return true;
  }

  /** One whole packet: `bytes[from..end)`, whose fixed header was read last. */
  private decode(bytes: Buffer, from: number, end: number): InboundPacket | ProtocolViolation {
    const { reader } = this;
    const firstByte = bytes[from] as number; // a packet has two bytes at least
    const type = (firstByte >> 4) as PacketType; // judged with the header
    reader.start(bytes, from + this.header.length, end, firstByte);
    const packet = type === PacketType.publish ? readPublish(reader, this.topics) : this.decodeOther(type);
    if (reader.at !== reader.end) reader.object(malformed('1.5', 'bytes are left over behind the packet'));
    reader.release();
    return reader.objection === undefined ? packet : this.fail(reader.objection, type);
  }

  private decodeOther(type: Exclude<PacketType, typeof PacketType.publish>): InboundPacket {
    const { reader } = this;
    switch (type) {
      case PacketType.connect:
        return this.decodeConnect();
      case PacketType.connack:
        return readConnack(reader);
      case PacketType.puback:
      case PacketType.pubrec:
      case PacketType.pubrel:
      case PacketType.pubcomp:
        return readAcknowledgement(reader, type);
      case PacketType.subscribe:
        return readSubscribe(reader);
      case PacketType.suback:
        return readSuback(reader);
      case PacketType.unsubscribe:
        return readUnsubscribe(reader);
      case PacketType.unsuback:
        return readUnsuback(reader);
      case PacketType.pingreq:
      case PacketType.pingresp:
        return { type };
      case PacketType.disconnect:
        return readDisconnect(reader);
      case PacketType.auth:
        return readAuth(reader);
    }
  }

  /** A second CONNECT is read by its own version and leaves that of the connection alone: the connection refuses it. */
  private decodeConnect(): InboundPacket {
    const { reader, header } = this;
    const version = readProtocol(reader);
    if (version !== undefined) reader.version = version;
    if (version !== undefined) header.version ??= version;
    const packet = readConnect(reader, this.checkWillPayload);
    if (header.awaitsConnect && reader.objection === undefined)
      this.agree(packet.version, packet.properties.authenticationMethod !== undefined);
    if (header.version !== undefined) reader.version = header.version;
    return packet;
  }

  private agree(version: ProtocolVersion, authentication: boolean): void {
    this.header.agree(version, authentication);
    this.reader.version = version;
  }

  private fail(objection: Objection, type: PacketType | undefined): ProtocolViolation {
    this.violated = violationOf(objection, type);
    this.chunk = undefined;
    this.forgetWaiting();
    this.gatherer.clear();
    return this.violated;
  }
}
