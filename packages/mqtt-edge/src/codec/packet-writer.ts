import type { PacketType } from './packet.js';

/** The largest remaining length and the largest variable byte integer (1.5.5). */
export const LARGEST_VARINT = 268_435_455;

export function varintSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  if (value < 2_097_152) return 3;
  if (value <= LARGEST_VARINT) return 4;
  throw new RangeError(`${value} does not fit into a variable byte integer`);
}

/** A string or binary field: two bytes of length and the bytes. */
export function fieldSize(value: string | Uint8Array): number {
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  if (length > 65_535) throw new RangeError(`a field of ${length} bytes is longer than 65535`);
  return 2 + length;
}

/** Writes fields one after another into a buffer that has been measured for them. */
export class PacketWriter {
  at = 0;
  readonly bytes: Buffer;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  byte(value: number): void {
    this.at = this.bytes.writeUInt8(value, this.at);
  }

  twoBytes(value: number): void {
    this.at = this.bytes.writeUInt16BE(value, this.at); // throws a RangeError for what does not fit
  }

  fourBytes(value: number): void {
    this.at = this.bytes.writeUInt32BE(value, this.at);
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  text(value: string): void {
    const length = this.bytes.write(value, this.at + 2);
    this.twoBytes(length);
    this.at += length;
  }

  binary(value: Uint8Array): void {
    this.twoBytes(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.at);
    this.at += value.length;
  }
}

/** A writer behind the fixed header of a packet (2.1), with room for exactly `size` bytes more. */
export function startPacket(type: PacketType, flags: number, size: number): PacketWriter {
  const writer = new PacketWriter(1 + varintSize(size) + size);
  writer.byte((type << 4) | flags);
  writer.varint(size);
  return writer;
}
