import type { Role } from './fixed-headers.js';
import {
  PacketType,
  type AcknowledgementPacket,
  type AuthPacket,
  type ConnackPacket,
  type DisconnectPacket,
  type Packet,
  type ProtocolVersion,
  type PublishPacket,
} from './packet.js';
import { startPacket, varintSize } from './packet-writer.js';
import { encodeConnect } from './write-connect.js';
import { propertiesSize, writeProperties } from './write-properties.js';
import { encodeSuback, encodeSubscribe, encodeUnsuback, encodeUnsubscribe } from './write-subscriptions.js';

/**
 * One packet as bytes, measured first and allocated once. `version` is that of the connection (a CONNECT brings its own); what an older
 * version does not know, properties and reason codes, is left out, and properties that only the other side sends. Throws a RangeError for what no packet can hold: a string over 65,535
 * bytes, a packet over 256 MB, AUTH before MQTT 5.
 */
export function encode(packet: Packet, version: ProtocolVersion, sender: Role = 'server'): Buffer {
  switch (packet.type) {
    case PacketType.publish:
      return encodePublish(packet, version, sender);
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
      return encodeAcknowledgement(packet, version, sender);
    case PacketType.connect:
      return encodeConnect(packet);
    case PacketType.connack:
      return encodeConnack(packet, version);
    case PacketType.subscribe:
      return encodeSubscribe(packet, version);
    case PacketType.suback:
      return encodeSuback(packet, version);
    case PacketType.unsubscribe:
      return encodeUnsubscribe(packet, version);
    case PacketType.unsuback:
      return encodeUnsuback(packet, version);
    case PacketType.pingreq:
    case PacketType.pingresp:
      return Buffer.from([packet.type << 4, 0]);
    case PacketType.disconnect:
      return version < 5
        ? Buffer.from([PacketType.disconnect << 4, 0])
        : encodeReason(packet, PacketType.disconnect, sender);
    case PacketType.auth:
      if (version < 5) throw new RangeError(`AUTH does not exist in protocol version ${version}`);
      return encodeReason(packet, PacketType.auth, sender);
  }
}

/**
 * PUBACK, PUBREC, PUBREL or PUBCOMP with success, the same four bytes in every version, into `target` at `at`; where the next one goes.
 */
export function writeAcknowledgement(
  target: Buffer,
  at: number,
  type: AcknowledgementPacket['type'],
  packetId: number,
): number {
  target[at] = (type << 4) | (type === PacketType.pubrel ? 2 : 0); // [MQTT-3.6.1-1]
  target[at + 1] = 2;
  target[at + 2] = packetId >> 8;
  target[at + 3] = packetId & 0xff;
  return at + 4;
}

function encodePublish(packet: PublishPacket, version: ProtocolVersion, sender: Role): Buffer {
  const { topicBytes, payload, qos, properties } = packet;
  if (topicBytes.length > 65_535) throw new RangeError('a topic name is longer than 65535 bytes');
  const inner = version === 5 ? propertiesSize(properties, PacketType.publish, sender) : 0;
  const size =
    2 +
    topicBytes.length +
    (qos > 0 ? 2 : 0) +
    (version === 5 ? varintSize(inner) + inner : 0) +
    payload.length;
  const flags = (packet.dup ? 8 : 0) | (qos << 1) | (packet.retain ? 1 : 0);
  const writer = startPacket(PacketType.publish, flags, size);
  writer.binary(topicBytes);
  if (qos > 0) writer.twoBytes(demandPacketId(packet.packetId));
  if (version === 5) writeProperties(writer, properties, PacketType.publish, sender, inner);
  writer.raw(payload);
  return writer.bytes;
}

function demandPacketId(packetId: number | undefined): number {
  if (packetId === undefined || packetId === 0) throw new RangeError('a PUBLISH with QoS needs a packet id'); // [MQTT-2.2.1-3], [MQTT-2.2.1-4]
  return packetId;
}

function encodeAcknowledgement(
  packet: AcknowledgementPacket,
  version: ProtocolVersion,
  sender: Role,
): Buffer {
  const { type, packetId, reasonCode, properties } = packet;
  const inner = version === 5 ? propertiesSize(properties, type, sender) : 0;
  const withCode = version === 5 && (reasonCode !== 0 || inner > 0);
  if (!withCode) {
    const bytes = Buffer.allocUnsafe(4);
    writeAcknowledgement(bytes, 0, type, packetId);
    return bytes;
  }
  const size = 3 + (inner > 0 ? varintSize(inner) + inner : 0);
  const writer = startPacket(type, type === PacketType.pubrel ? 2 : 0, size);
  writer.twoBytes(packetId);
  writer.byte(reasonCode);
  if (inner > 0) writeProperties(writer, properties, type, sender, inner);
  return writer.bytes;
}

function encodeConnack(packet: ConnackPacket, version: ProtocolVersion): Buffer {
  const inner = version === 5 ? propertiesSize(packet.properties, PacketType.connack, 'server') : 0;
  const writer = startPacket(PacketType.connack, 0, version === 5 ? 2 + varintSize(inner) + inner : 2);
  writer.byte(packet.sessionPresent && version > 3 ? 1 : 0);
  writer.byte(packet.reasonCode);
  if (version === 5) writeProperties(writer, packet.properties, PacketType.connack, 'server', inner);
  return writer.bytes;
}

/** DISCONNECT and AUTH in MQTT 5: code and properties may be left out from the end. */
function encodeReason(
  packet: DisconnectPacket | AuthPacket,
  type: DisconnectPacket['type'] | AuthPacket['type'],
  sender: Role,
): Buffer {
  const inner = propertiesSize(packet.properties, type, sender);
  if (inner === 0 && packet.reasonCode === 0) return Buffer.from([type << 4, 0]);
  const writer = startPacket(type, 0, 1 + (inner > 0 ? varintSize(inner) + inner : 0));
  writer.byte(packet.reasonCode);
  if (inner > 0) writeProperties(writer, packet.properties, type, sender, inner);
  return writer.bytes;
}
