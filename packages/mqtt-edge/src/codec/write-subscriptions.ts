import type {
  ProtocolVersion,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from './packet.js';
import { fieldSize, startPacket, varintSize, type PacketWriter } from './packet-writer.js';
import { SubscriptionOption } from './read-subscriptions.js';
import { propertiesSize, writeProperties } from './write-properties.js';

/** SUBSCRIBE (3.8). */
export function encodeSubscribe(packet: SubscribePacket, version: ProtocolVersion): Buffer {
  const size = packet.subscriptions.reduce((sum, { filter }) => sum + fieldSize(filter) + 1, 0);
  const writer = startIdentified(packet, 0b0010, version, size);
  for (const subscription of packet.subscriptions) {
    writer.text(subscription.filter);
    writer.byte(version === 5 ? optionsOf(subscription) : subscription.qos);
  }
  return writer.bytes;
}

function optionsOf({ qos, noLocal, retainAsPublished, retainHandling }: SubscriptionRequest): number {
  return (
    qos |
    (noLocal ? SubscriptionOption.noLocal : 0) |
    (retainAsPublished ? SubscriptionOption.retainAsPublished : 0) |
    (retainHandling << 4)
  );
}

/** UNSUBSCRIBE (3.10). */
export function encodeUnsubscribe(packet: UnsubscribePacket, version: ProtocolVersion): Buffer {
  const size = packet.filters.reduce((sum, filter) => sum + fieldSize(filter), 0);
  const writer = startIdentified(packet, 0b0010, version, size);
  for (const filter of packet.filters) writer.text(filter);
  return writer.bytes;
}

/** SUBACK (3.9). MQTT 3.1 and 3.1.1 have one code for every refusal. */
export function encodeSuback(packet: SubackPacket, version: ProtocolVersion): Buffer {
  const writer = startIdentified(packet, 0, version, packet.reasonCodes.length);
  for (const code of packet.reasonCodes) writer.byte(version < 5 && code > 2 ? 0x80 : code);
  return writer.bytes;
}

/** UNSUBACK (3.11). */
export function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion): Buffer {
  const codes = version === 5 ? packet.reasonCodes : [];
  const writer = startIdentified(packet, 0, version, codes.length);
  for (const code of codes) writer.byte(code);
  return writer.bytes;
}

/** Fixed header, packet identifier and properties, with room for `size` bytes behind them. */
function startIdentified(
  packet: SubscribePacket | SubackPacket | UnsubscribePacket | UnsubackPacket,
  flags: number,
  version: ProtocolVersion,
  size: number,
): PacketWriter {
  const sender = 'reasonCodes' in packet ? 'server' : 'client';
  const inner = version === 5 ? propertiesSize(packet.properties, packet.type, sender) : 0;
  const writer = startPacket(packet.type, flags, 2 + (version === 5 ? varintSize(inner) + inner : 0) + size);
  writer.twoBytes(packet.packetId);
  if (version === 5) writeProperties(writer, packet.properties, packet.type, sender, inner);
  return writer;
}
