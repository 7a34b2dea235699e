import { Decoder, isViolation, PacketType, type Packet, type ProtocolViolation } from '@fieldgate/mqtt-edge';
import type { Input } from './input.js';

export interface Outcome {
  readonly decoder: Decoder;
  readonly packets: readonly Packet[];
  readonly violation: ProtocolViolation | undefined;
}

/** All that the decoder makes of these chunks. */
export function readStream(
  { options, readsLate }: Pick<Input, 'options' | 'readsLate'>,
  chunks: readonly Buffer[],
): Outcome {
  const decoder = new Decoder(options);
  const packets: Packet[] = [];
  let violation: ProtocolViolation | undefined;
  for (const [index, chunk] of chunks.entries()) {
    decoder.write(chunk);
    if (readsLate && index < chunks.length - 1) continue;
    for (let read = decoder.read(); read !== undefined; read = decoder.read()) {
      if (isViolation(read)) {
        violation = read;
        break;
      }
      packets.push(read);
    }
  }
  return { decoder, packets, violation };
}

/** In one line what was read, to compare and to print. */
export function gist({ packets, violation }: Pick<Outcome, 'packets' | 'violation'>): string {
  const read = packets.map(gistOfPacket).join(' ');
  return violation === undefined ? read : `${read} ${gistOfViolation(violation)}`;
}

function gistOfPacket(packet: Packet): string {
  if (packet.type === PacketType.publish) {
    const { qos, dup, retain, packetId, topic, payload } = packet;
    return `3:${qos}${dup}${retain}${packetId}:${topic}:${payload.length}`;
  }
  return 'packetId' in packet ? `${packet.type}:${packet.packetId}` : `${packet.type}`;
}

const gistOfViolation = ({ reasonCode, clause, reason, packetType }: ProtocolViolation): string =>
  `!0x${reasonCode.toString(16)} ${clause} ${reason} (packet type ${packetType ?? 'none'})`;
