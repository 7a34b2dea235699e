import { bodyOf, framed, headerLength, varint } from './framing.js';
import { drawProperty, propertiesIn, propertyListOf, withProperties } from './property-lists.js';
import type { Random } from './random.js';
import type { Seed } from './seeds.js';

/** Another packet out of one; `seeds` may be mixed in. */
export type Mutation = (packet: Buffer, random: Random, seeds: readonly Seed[]) => Buffer;

const INTERESTING = [
  0x00, 0x01, 0x02, 0x0b, 0x1f, 0x23, 0x26, 0x2b, 0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xfe, 0xff,
];
const LENGTHS = [0, 1, 2, 126, 127, 128, 129, 16_383, 16_384, 2_097_152, 268_435_455];
const MOST_BYTES = 65_536;

/** By name, for the table. Lengths are mended afterwards, three times out of four. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'flip bits': (packet, random) => {
    const bytes = Buffer.from(packet);
    for (let count = 1 + random.below(3); count > 0; count--) flipBit(bytes, random.below(8 * bytes.length));
    return bytes;
  },
  'set a byte': (packet, random) => {
    const bytes = Buffer.from(packet);
    bytes[random.below(bytes.length)] = random.pick(INTERESTING);
    return bytes;
  },
  'insert bytes': (packet, random) => {
    const at = random.below(packet.length + 1);
    const inserted = Buffer.from(Array.from({ length: 1 + random.below(6) }, () => random.pick(INTERESTING)));
    return mended(Buffer.concat([packet.subarray(0, at), inserted, packet.subarray(at)]), random);
  },
  'delete bytes': (packet, random) => {
    const at = random.below(packet.length);
    return mended(Buffer.concat([packet.subarray(0, at), packet.subarray(at + 1 + random.below(4))]), random);
  },
  splice: (packet, random, seeds) => {
    const other = random.pick(seeds).bytes;
    const head = packet.subarray(0, random.below(packet.length + 1));
    return mended(Buffer.concat([head, other.subarray(random.below(other.length + 1))]), random);
  },
  'another body': (packet, random, seeds) => framed(packet[0] ?? 0, bodyOf(random.pick(seeds).bytes)),
  truncate: (packet, random) => mended(packet.subarray(0, random.below(packet.length)), random),
  'remaining length': (packet, random) => {
    const body = bodyOf(packet);
    const declared = random.oneIn(2) ? random.pick(LENGTHS) : Math.max(0, body.length + random.below(5) - 2);
    const written = varint(declared);
    if (random.oneIn(6)) return Buffer.concat([packet.subarray(0, 1), overlong(written), body]);
    return Buffer.concat([packet.subarray(0, 1), written, body]);
  },
  'inner length': (packet, random) => {
    const bytes = Buffer.from(packet);
    const at = (headerLength(packet) ?? 0) + random.below(Math.max(1, packet.length - 3));
    if (at + 2 > bytes.length) return bytes;
    bytes.writeUInt16BE((bytes.readUInt16BE(at) + 65_536 + random.below(7) - 3) % 65_536, at);
    return bytes;
  },
  properties: (packet, random) => {
    const list = propertyListOf(packet, random.oneIn(2));
    if (list === undefined) return packet;
    return mended(withProperties(packet, list, otherProperties(propertiesIn(packet, list), random)), random);
  },
  repeat: (packet, random) => {
    const from = random.below(packet.length);
    const part = packet.subarray(from, from + 1 + random.below(24));
    const times = random.oneIn(300)
      ? Math.floor(random.below(MOST_BYTES) / part.length)
      : 1 + random.below(12);
    const repeated = Buffer.alloc(times * part.length, part);
    return mended(Buffer.concat([packet.subarray(0, from), repeated, packet.subarray(from)]), random);
  },
};

function flipBit(bytes: Buffer, bit: number): void {
  const at = bit >> 3;
  bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7)); // inside
}

/** A length in more bytes than it needs. */
function overlong(written: Buffer): Buffer {
  const bytes = Buffer.from([...written, 0]);
  bytes[written.length - 1] = (bytes[written.length - 1] as number) | 0x80; // there is one
  return bytes;
}

function otherProperties(properties: readonly Buffer[], random: Random): readonly Buffer[] {
  const at = random.below(properties.length + 1);
  switch (random.below(4)) {
    case 0:
      return properties.toSpliced(at, 1);
    case 1:
      return properties.toSpliced(at, 0, properties[at] ?? drawProperty(random)); // twice the same
    case 2:
      return properties.toSpliced(at, 1, drawProperty(random));
    default:
      return properties.toSpliced(random.below(properties.length + 1), 0, drawProperty(random)).toReversed();
  }
}

function mended(packet: Buffer, random: Random): Buffer {
  return packet.length < 2 || random.oneIn(4) ? packet : framed(packet[0] ?? 0, bodyOf(packet));
}
