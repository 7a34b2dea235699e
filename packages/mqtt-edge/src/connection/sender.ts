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
import { largestFor } from './fitting.js';
import type { Limits } from './limits.js';
import type { InFlight, OutboundQueue } from './outbound-queue.js';
import type { Outbox } from './outbox.js';

const MS = 1_000;

/** Messages to the client of one connection: as many as it and the limits allow, in order, none too large, none too old. */
export class Sender {
  private readonly window: number;
  private readonly largest: number;
  /** Of an earlier connection, and not sent again on this one yet. */
  private again: InFlight[] = [];
  private isStopped = false;

  constructor(
    private readonly stream: Duplex,
    private readonly outbox: Outbox,
    private readonly connect: ConnectPacket,
    private readonly queue: OutboundQueue,
    limits: Limits,
    private readonly now: () => number,
  ) {
    const { receiveMaximum = 65_535 } = connect.properties;
    this.window = Math.min(receiveMaximum, limits.sendMaximum); // [MQTT-3.3.4-9], the other way round: 4.9
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
    if (this.queue.add(message)) this.pump();
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

  /** PUBACK, PUBREC and PUBCOMP; an id that is not known is answered, never an error (4.3.3 and [MQTT-2.2.1-5]: they may be late). */
  onAcknowledgement({ type, packetId, reasonCode }: AcknowledgementPacket): void {
    const entry = this.queue.get(packetId);
    const isRefused = reasonCode >= ReasonCode.unspecifiedError;
    if (type === PacketType.pubrec && !isRefused) {
      if (!entry && this.connect.version === 5) return this.unknown(packetId);
      if (entry) this.released(entry);
      return this.outbox.acknowledge(PacketType.pubrel, packetId);
    }
    this.forget(packetId);
    entry?.message.done?.(isRefused ? 'refused' : 'acknowledged');
    this.pump();
  }

  stop(): void {
    this.isStopped = true;
  }

  private sendFirst(message: OutboundMessage): void {
    if (message.expiresAt !== undefined && message.expiresAt <= this.now()) return message.done?.('expired');
    this.write(message, message.qos === 0 ? undefined : this.queue.number(message), false);
  }

  private write(message: OutboundMessage, packetId: number | undefined, dup: boolean): void {
    const bytes = this.encoded(message, packetId, dup);
    if (bytes.length <= this.largest) return this.outbox.send(bytes);
    if (packetId !== undefined) this.queue.finish(packetId);
    message.done?.('too-large'); // [MQTT-3.1.2-25]: as if it had been sent
  }

  private released(entry: InFlight): void {
    entry.released = true;
    if (this.again.length > 0) this.again = this.again.filter((other) => other !== entry);
  }

  private forget(packetId: number): void {
    const entry = this.queue.finish(packetId);
    if (entry && this.again.length > 0) this.again = this.again.filter((other) => other !== entry);
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

  private unknown(packetId: number): void {
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    const packet = { type: PacketType.pubrel, packetId, reasonCode, properties: NO_PROPERTIES };
    this.outbox.send(encode(packet, this.connect.version));
  }
}
