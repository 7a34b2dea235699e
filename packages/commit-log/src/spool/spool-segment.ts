import { randomBytes } from 'node:crypto';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { FrameCursor, type Stretch } from './frame-cursor.js';
import {
  decodeRecord,
  decodeStart,
  isRecordFrame,
  seedOf,
  START_FRAME_BYTES,
  timestampOf,
  type SegmentStart,
  type SpooledRecord,
  type SpoolPosition,
} from './record-frame.js';

const NAME = /^(\d{16})-([0-9a-f]{8})\.spool$/;
const SCAN_BYTES = 1024 * 1024;
const SMALLEST_READ_BYTES = 16 * 1024;

export interface ReadRecord {
  readonly record: SpooledRecord;
  readonly at: SpoolPosition;
  /** Where the next one begins; damaged stretches in between are passed. */
  readonly next: SpoolPosition;
}

export interface ReadLimits {
  readonly maxRecords: number;
  /** Of frames; one record is returned even when it is larger. */
  readonly maxBytes: number;
}

/** One file of the spool, as its readers see it: what counts in it, and what of that is damaged. */
export class SpoolSegment {
  /** Behind the last record that counts. */
  end: SpoolPosition;
  /** In the oldest record that was counted. */
  oldestMs: number | undefined;
  readonly path: string;
  private records = 0;
  /** Records before this were released when the segment was loaded. */
  private countedFrom: SpoolPosition;
  private readonly damaged = new Map<SpoolPosition, SpoolPosition>();
  private reading: FileHandle | undefined;

  private constructor(
    directory: string,
    readonly base: SpoolPosition,
    readonly salt: number,
  ) {
    const name = `${String(base).padStart(16, '0')}-${salt.toString(16).padStart(8, '0')}.spool`;
    this.path = join(directory, name);
    this.end = base;
    this.countedFrom = base + START_FRAME_BYTES;
  }

  static create(directory: string, base: SpoolPosition): SpoolSegment {
    return new SpoolSegment(directory, base, randomBytes(4).readUInt32LE());
  }

  /** undefined: not a file of the spool. */
  static named(directory: string, name: string): SpoolSegment | undefined {
    const [, base, salt] = NAME.exec(name) ?? [];
    if (base === undefined || salt === undefined) return undefined;
    return new SpoolSegment(directory, Number(base), Number.parseInt(salt, 16));
  }

  async size(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** undefined when it is damaged. */
  async start(): Promise<SegmentStart | undefined> {
    const file = await this.file();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(START_FRAME_BYTES), 0, START_FRAME_BYTES, 0);
    return decodeStart(buffer.subarray(0, bytesRead), seedOf(this.base, this.salt));
  }

  /** Counts the records of a range, checks them all, and says what is damaged. */
  async load(range: { readonly from: SpoolPosition; readonly to: SpoolPosition }): Promise<Stretch[]> {
    const file = await this.file();
    const stretches: Stretch[] = [];
    const cursor = new FrameCursor(this, range, SCAN_BYTES);
    for (let step = cursor.step(); step !== 'end'; step = cursor.step()) {
      if (step === 'more') await cursor.fill(file);
      else if (step === 'damage') stretches.push(cursor.damage);
      else if (isRecordFrame(cursor.buffer, cursor.frameAt))
        this.count(1, timestampOf(cursor.buffer, cursor.frameAt));
    }
    this.countedFrom = Math.max(range.from, this.countedFrom);
    this.end = range.to;
    return stretches;
  }

  /** What has been written behind the end is on disk. */
  grow(end: SpoolPosition, records: readonly SpooledRecord[]): void {
    this.end = end;
    this.count(records.length, records[0]?.timestampMs);
  }

  noteDamage({ from, to }: Stretch): void {
    this.damaged.set(from, to);
  }

  /** Adds records to `into` until its limits are reached, and says what it found damaged for the first time. */
  async read(from: SpoolPosition, into: ReadRecord[], limits: ReadLimits): Promise<Stretch[]> {
    const file = await this.file();
    const stretches: Stretch[] = [];
    const cursor = new FrameCursor(this, { from, to: this.end }, this.chunkFor(limits));
    let left = limits.maxBytes;
    while (into.length < limits.maxRecords) {
      cursor.position = this.passDamage(cursor.position);
      const step = cursor.step();
      if (step === 'end') break;
      if (step === 'more') await cursor.fill(file);
      else if (step === 'damage') {
        stretches.push(cursor.damage);
        this.noteDamage(cursor.damage);
      } else if (isRecordFrame(cursor.buffer, cursor.frameAt)) {
        left -= cursor.frameBytes;
        if (left < 0 && into.length > 0) break;
        into.push(this.recordAt(cursor));
      }
    }
    return stretches;
  }

  /** About how many of its records lie behind a position: what was not counted there is taken to be as large as the others. */
  recordsFrom(position: SpoolPosition): number {
    if (position <= this.countedFrom || this.records === 0) return this.records;
    return Math.round((this.records * Math.max(0, this.end - position)) / (this.end - this.countedFrom));
  }

  async close(): Promise<void> {
    const { reading } = this;
    this.reading = undefined;
    await reading?.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  /** Open from the first read on. */
  file(): Promise<FileHandle> {
    return this.reading === undefined ? this.openForReading() : Promise.resolve(this.reading);
  }

  private async openForReading(): Promise<FileHandle> {
    this.reading = await open(this.path, 'r');
    return this.reading;
  }

  private recordAt(cursor: FrameCursor): ReadRecord {
    const { buffer, frameAt, frameBytes, position } = cursor;
    return {
      record: decodeRecord(buffer, frameAt, frameBytes),
      at: position - frameBytes,
      next: this.passDamage(position),
    };
  }

  private passDamage(position: SpoolPosition): SpoolPosition {
    if (this.damaged.size === 0) return position;
    let passed = position;
    for (let to = this.damaged.get(passed); to !== undefined; to = this.damaged.get(passed)) passed = to;
    return passed;
  }

  /** No more is read than will be returned, by the mean size of the segment's records. */
  private chunkFor({ maxRecords, maxBytes }: ReadLimits): number {
    const mean = this.records === 0 ? 0 : (this.end - this.base) / this.records;
    const expected = mean === 0 ? maxBytes : Math.min(maxBytes, mean * maxRecords * 1.1);
    return Math.min(Math.max(SMALLEST_READ_BYTES, Math.ceil(expected)), 16 * SCAN_BYTES);
  }

  private count(records: number, timestampMs: number | undefined): void {
    this.records += records;
    this.oldestMs ??= timestampMs;
  }
}
