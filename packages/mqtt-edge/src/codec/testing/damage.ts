import fc, { type Arbitrary } from 'fast-check';

/** One change of a valid packet; its remaining length stays right unless the change hits it. */
export interface Damage {
  readonly kind: 'none' | 'set' | 'insert' | 'delete';
  readonly at: number;
  readonly byte: number;
}

export const damages: Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('none', 'set', 'set', 'insert', 'delete'),
  at: fc.nat({ max: 100_000 }),
  byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2, 0x26, 0x80, 0xff)),
});

/** A packet of at most 127 bytes behind its fixed header; a longer one only has a byte set. */
export function damaged(packet: Buffer, { kind, at, byte }: Damage): Buffer {
  if (kind === 'none' || packet.length <= 2) return packet;
  const isShort = packet.length <= 127;
  if (kind === 'set' || !isShort) {
    const bytes = Buffer.from(packet);
    bytes[at % bytes.length] = byte;
    return wholeAndAlone(bytes) ? bytes : packet;
  }
  const place = 2 + (at % (packet.length - 2));
  const behind = packet.subarray(kind === 'delete' ? place + 1 : place);
  const bytes = Buffer.concat([
    packet.subarray(0, place),
    Buffer.from(kind === 'insert' ? [byte] : []),
    behind,
  ]);
  bytes[1] = bytes.length - 2;
  return bytes;
}

/** mqtt-packet shows only what it has read whole, and goes on reading behind it. */
function wholeAndAlone(bytes: Buffer): boolean {
  let length = 0;
  for (let at = 1; at < Math.min(5, bytes.length); at++) {
    const byte = bytes.readUInt8(at);
    length |= (byte & 0x7f) << (7 * (at - 1));
    if (byte < 0x80) return at + 1 + length === bytes.length;
  }
  return false;
}
