// Where packets begin and end, without the decoder that is judged.

export const NOTHING = Buffer.alloc(0);

/** Bytes of the fixed header; undefined: it is not whole, or no header. */
export function headerLength(packet: Buffer, from = 0): number | undefined {
  for (let index = 1; index < 5; index++) {
    const byte = packet[from + index];
    if (byte === undefined) return undefined;
    if (byte < 0x80) return index + 1;
  }
  return undefined;
}

/** The ends of the whole packets in a stream. */
export function packetEnds(stream: Buffer): number[] {
  const ends: number[] = [];
  let at = 0;
  for (;;) {
    const header = headerLength(stream, at);
    if (header === undefined) return ends;
    let length = header;
    for (let index = 1; index < header; index++) {
      length += ((stream[at + index] as number) & 0x7f) * 128 ** (index - 1); // the header is whole
    }
    if (at + length > stream.length) return ends;
    at += length;
    ends.push(at);
  }
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from(bytes.concat(rest));
    bytes.push((rest % 128) | 0x80);
  }
}

/** A packet around a body, with the length that belongs to it. */
export function framed(firstByte: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([firstByte]), varint(body.length), body]);
}

/** What follows the fixed header; nothing when that is broken. */
export function bodyOf(packet: Buffer): Buffer {
  const header = headerLength(packet);
  return header === undefined ? NOTHING : packet.subarray(header);
}
