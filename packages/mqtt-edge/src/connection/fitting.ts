import { encode } from '../codec/encoder.js';
import type { ConnectPacket, Packet } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';

const LARGEST = 0xffff_ffff;

/** Bytes of a packet that the client takes (MQTT 5, 3.1.2.11.4). */
export function largestFor(connect: ConnectPacket | undefined): number {
  return connect?.properties.maximumPacketSize ?? LARGEST;
}

/**
 * An answer in bytes that the client takes: without its explanation where that makes it too large ([MQTT-3.2.2-19], [MQTT-3.4.2-2] and the like);
 * undefined when even so ([MQTT-3.1.2-24]: not sent).
 */
export function fitting(
  packet: Packet,
  connect: ConnectPacket | undefined,
  version: 3 | 4 | 5,
): Buffer | undefined {
  const largest = largestFor(connect);
  const bytes = encode(packet, version);
  if (bytes.length <= largest || !('properties' in packet))
    return bytes.length <= largest ? bytes : undefined;
  const short = encode({ ...packet, properties: withoutExplanation(packet.properties) }, version);
  return short.length <= largest ? short : undefined;
}

function withoutExplanation(properties: Properties): Properties {
  return { ...properties, reasonString: undefined, userProperties: undefined };
}
