import { PacketType, type PublishPacket, type Qos } from './packet.js';
import type { Properties } from './properties.js';

/** A topic that several packets have had: it becomes a string once. */
export interface SharedTopic {
  text: string | undefined;
}

/**
 * A PUBLISH as it was read. It keeps the bytes that arrived and where in them topic and payload are; views and strings are made when they
 * are asked for, which is why these are getters: a spread copy of the object has none of them.
 */
export class InboundPublish implements PublishPacket {
  // declared, not defined: a definition would write each field twice
  declare readonly type: typeof PacketType.publish;
  declare readonly qos: Qos;
  declare readonly dup: boolean;
  declare readonly retain: boolean;
  declare readonly packetId: number | undefined;
  declare readonly properties: Properties;
  /** What arrived, of this packet and maybe of others; the payload is `bytes[payloadAt..payloadEnd)`. */
  declare readonly bytes: Buffer;
  declare readonly payloadAt: number;
  declare readonly payloadEnd: number;
  declare private readonly topicAt: number;
  declare private readonly topicEnd: number;
  declare private readonly sharedTopic: SharedTopic;

  constructor(
    firstByte: number,
    packetId: number | undefined,
    properties: Properties,
    bytes: Buffer,
    topicAt: number,
    topicEnd: number,
    payloadAt: number,
    payloadEnd: number,
    sharedTopic: SharedTopic,
  ) {
    this.type = PacketType.publish;
    this.qos = ((firstByte >> 1) & 3) as Qos; // 3 has been refused
    this.dup = (firstByte & 8) !== 0;
    this.retain = (firstByte & 1) !== 0;
    this.packetId = packetId;
    this.properties = properties;
    this.bytes = bytes;
    this.topicAt = topicAt;
    this.topicEnd = topicEnd;
    this.payloadAt = payloadAt;
    this.payloadEnd = payloadEnd;
    this.sharedTopic = sharedTopic;
  }

  get topic(): string {
    return (this.sharedTopic.text ??= this.bytes.toString('utf8', this.topicAt, this.topicEnd));
  }

  get topicBytes(): Buffer {
    return this.bytes.subarray(this.topicAt, this.topicEnd);
  }

  get payload(): Buffer {
    return this.bytes.subarray(this.payloadAt, this.payloadEnd);
  }

  /** `payload.toString()` without the view between; what is no UTF-8 becomes U+FFFD. */
  payloadText(): string {
    return this.bytes.toString('utf8', this.payloadAt, this.payloadEnd);
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadAt;
  }
}
