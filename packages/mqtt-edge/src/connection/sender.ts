import type { Duplex } from 'node:stream';
import { encode } from '../codec/encoder.js';
import {
  PacketType,
  type AcknowledgementPacket,
  type ConnectPacket,
  type PublishPacket,
} from '../codec/packet.js';
import { NO_PROPERTIES } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { OutboundMessage } from './connection-handler.js';
import type { Limits } from './limits.js';
import type { OutboundQueue } from './outbound-queue.js';
import type { Outbox } from './outbox.js';

const LARGEST = 0xffff_ffff;
const MS = 1_000;

/** Messages to the client of one connection: as many as it and the limits allow, in order, none too large, none too old. */
export class Sender {
  private readonly window: number;
  private readonly largest: number;
  private isStopped = false;

  constructor(
    private readonly stream: Duplex,
    private readonly outbox: Outbox,
    private readonly connect: ConnectPacket,
    private readonly queue: OutboundQueue,
    limits: Limits,
    private readonly now: () => number,
  ) {
    const { receiveMaximum = 65_535, maximumPacketSize = LARGEST } = connect.properties;
    this.window = Math.min(receiveMaximum, limits.sendMaximum); // [MQTT-3.3.4-9], the other way round: 4.9
    this.largest = maximumPacketSize;
  }

  /** After CONNACK: what was not acknowledged, again, in its order ([MQTT-4.4.0-1], [MQTT-4.6.0-1]); then what waits. */
  resume(): void {
    for (const { packetId, message, released } of this.queue.unacknowledged()) {
      if (released) this.acknowledge(PacketType.pubrel, packetId);
      else this.write(message, packetId, true);
    }
    this.pump();
  }

  send(message: OutboundMessage): void {
    if (this.queue.add(message)) this.pump();
  }

  /** Sends what waits, as far as the window and the stream allow. */
  pump(): void {
    while (!this.isStopped && !this.stream.writableNeedDrain) {
      const message = this.queue.peek();
      if (message === undefined) return;
      if (message.qos > 0 && this.queue.inFlight >= this.window) return;
      this.queue.shift();
      this.sendNow(message);
    }
  }

  /** PUBACK, PUBREC and PUBCOMP; an id that is not known is answered, never an error (4.3.3 and [MQTT-2.2.1-5]: they may be late). */
  onAcknowledgement({ type, packetId, reasonCode }: AcknowledgementPacket): void {
    const entry = this.queue.get(packetId);
    const isRefused = reasonCode >= ReasonCode.unspecifiedError;
    if (type === PacketType.pubrec && !isRefused) {
      if (!entry && this.connect.version === 5) return this.unknown(packetId);
      if (entry) entry.released = true;
      return this.acknowledge(PacketType.pubrel, packetId);
    }
    this.queue.finish(packetId);
    entry?.message.done?.(isRefused ? 'refused' : 'acknowledged');
    this.pump();
  }

  stop(): void {
    this.isStopped = true;
  }

  private sendNow(message: OutboundMessage): void {
    if (message.expiresAt !== undefined && message.expiresAt <= this.now()) return message.done?.('expired');
    const bytes = this.encoded(message, message.qos === 0 ? undefined : 1, false);
    if (bytes.length > this.largest) return message.done?.('too-large'); // [MQTT-3.1.2-25]: as if it had been sent
    if (message.qos === 0) return this.outbox.send(bytes);
    this.write(message, this.queue.number(message), false);
  }

  private write(message: OutboundMessage, packetId: number, dup: boolean): void {
    this.outbox.send(this.encoded(message, packetId, dup));
  }

  private encoded(message: OutboundMessage, packetId: number | undefined, dup: boolean): Buffer {
    const { topic, payload, qos, retain, properties, expiresAt } = message;
    const isNew = this.connect.version === 5;
    const left = expiresAt === undefined ? undefined : Math.max(1, Math.ceil((expiresAt - this.now()) / MS));
    const packet: PublishPacket = {
      type: PacketType.publish,
      dup,
      qos,
      retain,
      packetId,
      topic,
      topicBytes: Buffer.from(topic),
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      properties: !isNew
        ? NO_PROPERTIES
        : left === undefined
          ? properties
          : { ...properties, messageExpiryInterval: left },
    };
    return encode(packet, this.connect.version);
  }

  private acknowledge(type: typeof PacketType.pubrel, packetId: number): void {
    this.outbox.acknowledge(type, packetId);
  }

  private unknown(packetId: number): void {
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    const packet = { type: PacketType.pubrel, packetId, reasonCode, properties: NO_PROPERTIES };
    this.outbox.send(encode(packet, this.connect.version));
  }
}
