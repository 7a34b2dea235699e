import {
  frameLengthAt,
  HEADER_BYTES,
  isBodyIntact,
  MAGIC_BYTES,
  seedOf,
  TRAILER_BYTES,
  type SpoolPosition,
} from './record-frame.js';

/** Bytes that are no intact frame. */
export interface Stretch {
  readonly from: SpoolPosition;
  readonly to: SpoolPosition;
  /** It looks like a write that was not finished: short, or zero where its trailer should be. */
  readonly isTorn: boolean;
}

/** `more`: call `fill` and step again. */
export type Step = 'frame' | 'damage' | 'more' | 'end';

/** Walks over the frames of one segment, in large reads; no promise per frame. */
export class FrameCursor {
  /** Where the next step begins. */
  position: SpoolPosition;
  /** Of the last step, when it was `frame`: the frame is at `frameAt` in `buffer`, which belongs to whoever keeps views of it. */
  buffer: Buffer = Buffer.alloc(0);
  frameAt = 0;
  frameBytes = 0;
  /** Of the last step, when it was `damage`. */
  damage: Stretch = { from: 0, to: 0, isTorn: false };
  private bufferFrom: SpoolPosition;
  /** While it looks for the next header: where it goes on looking. */
  private searchFrom: SpoolPosition | undefined;
  private wanted = 0;

  constructor(
    private readonly segment: { readonly base: SpoolPosition; readonly salt: number },
    private readonly range: { readonly from: SpoolPosition; readonly to: SpoolPosition },
    private readonly chunkBytes: number,
  ) {
    this.position = range.from;
    this.bufferFrom = range.from;
  }

  step(): Step {
    if (this.searchFrom !== undefined) return this.search(this.searchFrom);
    const { position } = this;
    const left = this.range.to - position;
    if (left <= 0) return 'end';
    if (left < HEADER_BYTES) return this.damagedUntil(this.range.to, true);
    if (this.inBuffer(position) < HEADER_BYTES) return this.more(HEADER_BYTES);
    const at = position - this.bufferFrom;
    const length = frameLengthAt(this.buffer, at, seedOf(position, this.segment.salt));
    if (length === 0) return this.search(position + 1);
    if (length > left) return this.damagedUntil(this.range.to, true);
    if (this.inBuffer(position) < length) return this.more(length);
    if (!isBodyIntact(this.buffer, at, length))
      return this.damagedUntil(position + length, this.hasNoTrailer(position + length));
    this.frameAt = at;
    this.frameBytes = length;
    this.position += length;
    return 'frame';
  }

  /** The buffer is a new one each time. */
  async fill(read: (into: Buffer, from: SpoolPosition) => Promise<unknown>): Promise<void> {
    const from = this.searchFrom ?? this.position;
    const length = Math.min(Math.max(this.wanted, this.chunkBytes), this.range.to - from);
    const buffer = Buffer.allocUnsafeSlow(length);
    await read(buffer, from);
    this.buffer = buffer;
    this.bufferFrom = from;
  }

  /** The next header that fits its place: what a device has sent can not. */
  private search(from: SpoolPosition): Step {
    const last = this.bufferFrom + this.buffer.length - HEADER_BYTES;
    for (let place = from; place <= last; place += 1) {
      const found = this.buffer.indexOf(MAGIC_BYTES, place - this.bufferFrom);
      if (found < 0 || this.bufferFrom + found > last) break;
      place = this.bufferFrom + found;
      if (frameLengthAt(this.buffer, found, seedOf(place, this.segment.salt)) > 0)
        return this.damagedUntil(place, false);
    }
    if (last + HEADER_BYTES >= this.range.to)
      return this.damagedUntil(this.range.to, this.hasNoTrailer(this.range.to));
    this.searchFrom = Math.max(from, last + 1);
    return this.more(HEADER_BYTES);
  }

  private damagedUntil(to: SpoolPosition, isTorn: boolean): Step {
    this.damage = { from: this.position, to, isTorn };
    this.searchFrom = undefined;
    this.position = to;
    return 'damage';
  }

  /** A CRC-32 of zero is as good as never right. */
  private hasNoTrailer(end: SpoolPosition): boolean {
    return this.buffer.readUInt32LE(end - TRAILER_BYTES - this.bufferFrom) === 0;
  }

  private inBuffer(position: SpoolPosition): number {
    return this.bufferFrom + this.buffer.length - position;
  }

  private more(bytes: number): Step {
    this.wanted = bytes;
    return 'more';
  }
}
