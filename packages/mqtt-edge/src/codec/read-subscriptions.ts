import {
  PacketType,
  type Qos,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
} from './packet.js';
import { isReasonCodeOf, isSubackReturnCode } from './packet-reason-codes.js';
import type { PacketReader } from './packet-reader.js';
import { NO_PROPERTIES, type Properties } from './properties.js';
import { malformed, protocolError } from './protocol-violation.js';
import type { ReasonCode } from './reason-codes.js';
import { readProperties } from './read-properties.js';
import { isSharedFilter, topicFilterObjection } from './topics.js';

/** The bits of the Subscription Options (3.8.3.1); before MQTT 5 all but the QoS are reserved. */
export const SubscriptionOption = {
  qos: 0x03,
  noLocal: 0x04,
  retainAsPublished: 0x08,
  retainHandling: 0x30,
  reserved: 0xc0,
} as const;

/** SUBSCRIBE (3.8). */
export function readSubscribe(reader: PacketReader): SubscribePacket {
  const packetId = reader.packetId();
  const properties = propertiesOf(reader, PacketType.subscribe);
  if (reader.left === 0) reader.object(protocolError('MQTT-3.8.3-2', 'SUBSCRIBE without a topic filter'));
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.left > 0) subscriptions.push(readSubscription(reader));
  return { type: PacketType.subscribe, packetId, subscriptions, properties };
}

function readSubscription(reader: PacketReader): SubscriptionRequest {
  const filter = readFilter(reader);
  const options = reader.byte('subscription options');
  const qos = options & SubscriptionOption.qos;
  const retainHandling = (options & SubscriptionOption.retainHandling) >> 4;
  const noLocal = (options & SubscriptionOption.noLocal) !== 0;
  const reserved = reader.version === 5 ? SubscriptionOption.reserved : 0xff & ~SubscriptionOption.qos;
  if (options & reserved) reader.object(malformed('MQTT-3.8.3-5', 'reserved subscription option is set'));
  // 3.8.3.1 says protocol error for the next two; Mosquitto's vector wants 0x81 for QoS 3
  if (qos === 3) reader.object(protocolError('3.8.3.1', 'QoS of the subscription is 3'));
  if (retainHandling === 3) reader.object(protocolError('3.8.3.1', 'retain handling is 3'));
  if (noLocal && isSharedFilter(filter)) {
    reader.object(protocolError('MQTT-3.8.3-4', 'no local on a shared subscription'));
  }
  return {
    filter,
    qos: qos as Qos, // 3 has been objected to, the same below
    noLocal,
    retainAsPublished: (options & SubscriptionOption.retainAsPublished) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

/** UNSUBSCRIBE (3.10). */
export function readUnsubscribe(reader: PacketReader): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = propertiesOf(reader, PacketType.unsubscribe);
  if (reader.left === 0) reader.object(protocolError('MQTT-3.10.3-2', 'UNSUBSCRIBE without a topic filter'));
  const filters: string[] = [];
  while (reader.left > 0) filters.push(readFilter(reader));
  return { type: PacketType.unsubscribe, packetId, filters, properties };
}

function readFilter(reader: PacketReader): string {
  const filter = reader.name('topic filter');
  if (reader.objection !== undefined) return '';
  const objection = topicFilterObjection(filter, reader.version === 5);
  if (objection !== undefined) reader.object(objection);
  return filter;
}

/** SUBACK (3.9). */
export function readSuback(reader: PacketReader): SubackPacket {
  const packetId = reader.packetId();
  const properties = propertiesOf(reader, PacketType.suback);
  const reasonCodes = readReasonCodes(reader, PacketType.suback);
  return { type: PacketType.suback, packetId, reasonCodes, properties };
}

/** UNSUBACK (3.11); before MQTT 5 it says nothing of the single filters. */
export function readUnsuback(reader: PacketReader): UnsubackPacket {
  const packetId = reader.packetId();
  const properties = propertiesOf(reader, PacketType.unsuback);
  const reasonCodes = reader.version === 5 ? readReasonCodes(reader, PacketType.unsuback) : [];
  return { type: PacketType.unsuback, packetId, reasonCodes, properties };
}

function readReasonCodes(
  reader: PacketReader,
  type: typeof PacketType.suback | typeof PacketType.unsuback,
): ReasonCode[] {
  const section = type === PacketType.suback ? '3.9.3' : '3.11.3';
  if (reader.left === 0) reader.object(malformed(section, 'no reason code'));
  const codes: ReasonCode[] = [];
  while (reader.left > 0) {
    const code = reader.byte('reason code');
    const known = reader.version === 5 ? isReasonCodeOf(type, code, reader.sender) : isSubackReturnCode(code);
    if (!known)
      reader.object(protocolError(`MQTT-${section}-2`, 'reason code does not belong into this packet'));
    codes.push(code as ReasonCode); // what is none has been objected to
  }
  return codes;
}

function propertiesOf(reader: PacketReader, type: PacketType): Properties {
  return reader.version === 5 ? readProperties(reader, type) : NO_PROPERTIES;
}
