import { Decoder, type DecoderOptions } from '../decoder.js';
import { PacketType, type Packet, type ProtocolViolation } from '../packet.js';
import { isViolation } from '../protocol-violation.js';

/** `10 0D 0004 …` as bytes. */
export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** A packet of at most 127 bytes whose remaining length is counted. */
export function framed(firstByte: string, body: string): Buffer {
  const bytes = hex(body);
  return Buffer.concat([hex(firstByte), Buffer.from([bytes.length]), bytes]);
}

/** All that comes out of the bytes, written in these chunks; nothing behind a violation. */
export function decodeChunks(
  chunks: readonly Buffer[],
  options: Partial<DecoderOptions> = {},
): (Packet | ProtocolViolation)[] {
  const decoder = new Decoder({ role: 'server', maximumPacketSize: 1_000_000, ...options });
  const read: (Packet | ProtocolViolation)[] = [];
  for (const chunk of chunks) {
    decoder.write(chunk);
    for (let packet = decoder.read(); packet !== undefined; packet = decoder.read()) {
      read.push(plain(packet));
      if (isViolation(packet)) return read;
    }
  }
  return read;
}

/** The only packet, or the violation, in these bytes. */
export function decodeOne(
  bytes: string | Uint8Array,
  options: Partial<DecoderOptions> = {},
): Packet | ProtocolViolation {
  const read = decodeChunks([typeof bytes === 'string' ? hex(bytes) : Buffer.from(bytes)], options);
  if (read.length !== 1) throw new Error(`${read.length} packets in place of one`);
  return read[0] as Packet | ProtocolViolation; // there is one
}

/** 0x81 (MQTT-3.8.1-1), or what it was instead of a violation. */
export function refusal(bytes: string | Uint8Array, options: Partial<DecoderOptions> = {}): string {
  const read = decodeOne(bytes, options);
  return isViolation(read)
    ? `0x${read.reasonCode.toString(16)} ${read.clause}`
    : `accepted ${JSON.stringify(read)}`;
}

/** A PUBLISH with its getters written out, so that it can be compared. */
export function plain(packet: Packet | ProtocolViolation): Packet | ProtocolViolation {
  if (isViolation(packet) || packet.type !== PacketType.publish) return packet;
  const { type, dup, qos, retain, packetId, topic, topicBytes, payload, properties } = packet;
  return { type, dup, qos, retain, packetId, topic, topicBytes, payload, properties };
}
