import { encode } from '../codec/encoder.js';
import { PacketType, type ConnectPacket, type Packet } from '../codec/packet.js';

const LARGEST = 0xffff_ffff;

/** Bytes of a packet that the client takes (MQTT 5, 3.1.2.11.4). */
export function largestFor(connect: ConnectPacket | undefined): number {
  return connect?.properties.maximumPacketSize ?? LARGEST;
}

/**
 * An answer in bytes that the client takes: without its explanation where the client wants none ([MQTT-3.1.2-29]) or that makes it too large
 * ([MQTT-3.2.2-19], [MQTT-3.4.2-2] and the like); undefined when it is too large even so ([MQTT-3.1.2-24]: not sent).
 */
export function fitting(
  packet: Packet,
  connect: ConnectPacket | undefined,
  version: 3 | 4 | 5,
): Buffer | undefined {
  const largest = largestFor(connect);
  const bytes = encode(mayExplain(packet, connect) ? packet : unexplained(packet), version);
  if (bytes.length <= largest) return bytes;
  const shorter = mayExplain(packet, connect) ? encode(withoutUserProperties(packet), version) : bytes;
  if (shorter.length <= largest) return shorter; // the sentence is of more use than what goes with it
  const short = encode(unexplained(packet), version);
  return short.length <= largest ? short : undefined;
}

function mayExplain({ type }: Packet, connect: ConnectPacket | undefined): boolean {
  if (connect?.properties.requestProblemInformation !== 0) return true;
  return type === PacketType.connack || type === PacketType.disconnect;
}

function withoutUserProperties(packet: Packet): Packet {
  if (!('properties' in packet)) return packet;
  return { ...packet, properties: { ...packet.properties, userProperties: undefined } };
}

function unexplained(packet: Packet): Packet {
  if (!('properties' in packet)) return packet;
  const properties = { ...packet.properties, reasonString: undefined, userProperties: undefined };
  return { ...packet, properties };
}
