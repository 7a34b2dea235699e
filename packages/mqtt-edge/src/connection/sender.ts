import type { Duplex } from 'node:stream';
import { encode } from '../codec/encoder.js';
import {
  PacketType,
  type AcknowledgementPacket,
  type ConnectPacket,
  type PublishPacket,
} from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { OutboundMessage } from './connection-handler.js';
import type { ExchangeOptions } from './exchange.js';
import { largestFor } from './fitting.js';
import { hasExpired, type InFlight, type OutboundQueue } from './outbound-queue.js';
import type { Outbox } from './outbox.js';

const MS = 1_000;
/** Seconds: what a message expiry can say; a longer one says nothing. */
const LONGEST_EXPIRY = 0xffff_ffff;

/** Messages to the client of one connection: as many as it and the limits allow, in order, none too large, none too old. */
export class Sender {
  private readonly stream: Duplex;
  private readonly outbox: Outbox;
  private readonly connect: ConnectPacket;
  private readonly queue: OutboundQueue;
  private readonly broken: ExchangeOptions['broken'];
  private readonly now: () => number;
  private readonly window: number;
  private readonly largest: number;
  /** Of an earlier connection, and not sent again on this one yet. */
  private again: InFlight[] = [];
  private isStopped = false;

  constructor(options: ExchangeOptions) {
    const { connect, session, limits } = options;
    this.stream = options.stream;
    this.outbox = options.outbox;
    this.connect = connect;
    this.queue = session.outbound;
    this.broken = options.broken;
    this.now = options.now;
    const { receiveMaximum = 65_535 } = connect.properties;
    this.window = Math.min(receiveMaximum, limits.sendMaximum); // [MQTT-3.3.4-9]
    this.largest = largestFor(connect);
  }

  /** After CONNACK: what was not acknowledged, again, in its order ([MQTT-4.4.0-1], [MQTT-4.6.0-1]); then what waits. */
  resume(): void {
    for (const entry of this.queue.unacknowledged()) {
      if (entry.released) this.outbox.acknowledge(PacketType.pubrel, entry.packetId);
      else this.again.push(entry);
    }
    this.pump();
  }

  send(message: OutboundMessage): void {
    if (this.queue.add(message, this.now())) this.pump();
  }

  /** Sends what waits, as far as the window and the stream allow. */
  pump(): void {
    while (!this.isStopped && !this.stream.writableNeedDrain) {
      const again = this.again[0];
      const message = again?.message ?? this.queue.peek();
      if (message === undefined) return;
      // what the earlier connection has sent counts only when it has been sent on this one (4.9: a new connection starts anew)
      if (message.qos > 0 && this.queue.inFlight - this.again.length >= this.window) return;
      if (again) {
        this.again.shift();
        this.write(message, again.packetId, true);
      } else {
        this.queue.shift();
        this.sendFirst(message);
      }
    }
  }

  /** PUBACK, PUBREC and PUBCOMP. An id that is not known is never an error: its acknowledgement may be late. */
  onAcknowledgement({ type, packetId, reasonCode }: AcknowledgementPacket): void {
    const entry = this.queue.get(packetId);
    if (!entry) return type === PacketType.pubrec ? this.unknown(packetId) : undefined;
    if (!answers(type, entry))
      return this.broken(
        'an acknowledgement that does not belong to the message (4.3)',
        ReasonCode.protocolError,
      );
    const isRefused = reasonCode >= ReasonCode.unspecifiedError;
    if (type === PacketType.pubrec && !isRefused) {
      entry.released = true;
      this.notAgain(entry);
      return this.outbox.acknowledge(PacketType.pubrel, packetId);
    }
    this.queue.finish(packetId);
    this.notAgain(entry);
    entry.message.done?.(isRefused ? 'refused' : 'acknowledged');
    this.pump();
  }

  stop(): void {
    this.isStopped = true;
  }

  private sendFirst(message: OutboundMessage): void {
    if (hasExpired(message, this.now())) return message.done?.('expired');
    this.write(message, message.qos === 0 ? undefined : this.queue.number(message), false);
  }

  private write(message: OutboundMessage, packetId: number | undefined, dup: boolean): void {
    const bytes = this.encoded(message, packetId, dup);
    if (bytes && bytes.length <= this.largest) return this.outbox.send(bytes);
    if (packetId !== undefined) this.queue.finish(packetId);
    message.done?.(dup ? 'lost' : 'too-large'); // [MQTT-3.1.2-25]: as if it had been sent
  }

  private notAgain(entry: InFlight): void {
    if (this.again.length > 0) this.again = this.again.filter((other) => other !== entry);
  }

  /** Undefined: no packet can hold it, because its topic or a string in its properties is too long. */
  private encoded(message: OutboundMessage, packetId: number | undefined, dup: boolean): Buffer | undefined {
    const { topic, payload, qos, retain, properties, expiresAt = Infinity } = message;
    const packet: PublishPacket = {
      type: PacketType.publish,
      dup,
      qos,
      retain,
      packetId,
      topic,
      topicBytes: Buffer.from(topic),
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      properties: this.connect.version === 5 ? said(properties, expiresAt - this.now()) : NO_PROPERTIES,
    };
    try {
      return encode(packet, this.connect.version);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Before MQTT 5 there is no word for it, and the client waits for a PUBCOMP. */
  private unknown(packetId: number): void {
    if (this.connect.version < 5) return this.outbox.acknowledge(PacketType.pubrel, packetId);
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    const packet = { type: PacketType.pubrel, packetId, reasonCode, properties: NO_PROPERTIES };
    this.outbox.send(encode(packet, this.connect.version));
  }
}

/** No topic alias, which is of the connection that it came on ([MQTT-3.3.2-7]); of the expiry what is left ([MQTT-3.3.2-6]), or none. */
function said(properties: Properties, leftMs: number): Properties {
  const left = Math.max(1, Math.ceil(leftMs / MS));
  const messageExpiryInterval = left > LONGEST_EXPIRY ? undefined : left;
  if (messageExpiryInterval === undefined && properties === NO_PROPERTIES) return NO_PROPERTIES;
  return { ...properties, topicAlias: undefined, messageExpiryInterval };
}

/** QoS 1: PUBACK. QoS 2: PUBREC, also again, and PUBCOMP once PUBREL was sent. */
function answers(type: AcknowledgementPacket['type'], { message, released }: InFlight): boolean {
  if (message.qos === 1) return type === PacketType.puback;
  return type === PacketType.pubrec || (type === PacketType.pubcomp && released);
}
