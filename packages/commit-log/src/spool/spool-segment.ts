import { randomBytes } from 'node:crypto';
import { rm, stat, type FileHandle } from 'node:fs/promises';
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
import type { OpenFile } from './segment-appender.js';
import { readWhatIsThere, readWhole, saysBytesAreLost } from './segment-bytes.js';

const NAME = /^(\d{16})-([0-9a-f]{8})\.spool$/;
const SCAN_BYTES = 1024 * 1024;
const SMALLEST_READ_BYTES = 16 * 1024;
/** In a row, of one place, with pauses between them: some seconds. */
const FAILED_READS = 6;

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
  /** What cannot be read of it is damaged: it has been tried often enough. */
  isBroken = false;
  /** From there on it holds something that is nowhere else: it is not removed, and the mark goes no further before it is put elsewhere. */
  keptFrom: SpoolPosition | undefined;
  readonly path: string;
  private records = 0;
  /** Records before this were released when the segment was loaded. */
  private countedFrom: SpoolPosition;
  private readonly damaged = new Map<SpoolPosition, SpoolPosition>();
  private reading: FileHandle | undefined;
  private failedAt: SpoolPosition | undefined;
  private failedReads = 0;

  private constructor(
    directory: string,
    private readonly openFile: OpenFile,
    readonly base: SpoolPosition,
    readonly salt: number,
  ) {
    const name = `${String(base).padStart(16, '0')}-${salt.toString(16).padStart(8, '0')}.spool`;
    this.path = join(directory, name);
    this.end = base;
    this.countedFrom = base + START_FRAME_BYTES;
  }

  static create(directory: string, openFile: OpenFile, base: SpoolPosition): SpoolSegment {
    return new SpoolSegment(directory, openFile, base, randomBytes(4).readUInt32LE());
  }

  /** undefined: not a file of the spool. */
  static named(directory: string, openFile: OpenFile, name: string): SpoolSegment | undefined {
    const [, base, salt] = NAME.exec(name) ?? [];
    if (base === undefined || salt === undefined) return undefined;
    return new SpoolSegment(directory, openFile, Number(base), Number.parseInt(salt, 16));
  }

  async size(): Promise<number> {
    return (await stat(this.path)).size;
  }

  /** undefined when it is damaged or was never written whole. Throws while it cannot be read, until it is broken. */
  async start(): Promise<SegmentStart | undefined> {
    const start = Buffer.alloc(START_FRAME_BYTES);
    if ((await this.size()) < start.length) return undefined;
    await this.readBytes(start, this.base);
    return decodeStart(start, seedOf(this.base, this.salt));
  }

  /** Counts the records of a range, checks them all, and says what is damaged. */
  async load(range: { readonly from: SpoolPosition; readonly to: SpoolPosition }): Promise<Stretch[]> {
    this.records = 0; // of a try that failed
    this.oldestMs = undefined;
    const stretches: Stretch[] = [];
    const cursor = new FrameCursor(this, range, SCAN_BYTES);
    for (let step = cursor.step(); step !== 'end'; step = cursor.step()) {
      if (step === 'more') await cursor.fill(this.readBytes);
      else if (step === 'damage') stretches.push(this.damageAt(cursor));
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

  noteDamage({ from, to }: Pick<Stretch, 'from' | 'to'>): void {
    this.damaged.set(from, to);
  }

  /** Adds records to `into` until its limits are reached, and says what it found damaged for the first time. */
  async read(from: SpoolPosition, into: ReadRecord[], limits: ReadLimits): Promise<Stretch[]> {
    const stretches: Stretch[] = [];
    const cursor = new FrameCursor(this, { from, to: this.end }, this.chunkFor(limits));
    let left = limits.maxBytes;
    while (into.length < limits.maxRecords) {
      cursor.position = this.passDamage(cursor.position);
      const step = cursor.step();
      if (step === 'end') break;
      if (step === 'more') await cursor.fill(this.readBytes);
      else if (step === 'damage') stretches.push(this.damageAt(cursor));
      else if (isRecordFrame(cursor.buffer, cursor.frameAt)) {
        left -= cursor.frameBytes;
        if (left < 0 && into.length > 0) break;
        into.push(this.recordAt(cursor));
      }
    }
    for (const stretch of stretches) this.noteDamage(stretch); // not before: a try that fails reports none
    return stretches;
  }

  /** A read from there has thrown. */
  noteFailedRead(from: SpoolPosition, error: unknown): void {
    if (!saysBytesAreLost(error)) return;
    this.failedReads = from === this.failedAt ? this.failedReads + 1 : 1;
    this.failedAt = from;
    if (this.failedReads >= FAILED_READS) this.isBroken = true;
  }

  /** Returns how many bytes cannot be read: they are zero. */
  async readWhatIsThere(into: Buffer, from: SpoolPosition): Promise<number> {
    return readWhatIsThere(await this.fileIfThere(), into, from - this.base);
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

  private readonly readBytes = async (into: Buffer, from: SpoolPosition): Promise<void> => {
    if (this.isBroken) await this.readWhatIsThere(into, from);
    else await readWhole(await this.file(), into, from - this.base);
  };

  /** Open from the first read on. */
  private file(): Promise<FileHandle> {
    return this.reading === undefined ? this.openForReading() : Promise.resolve(this.reading);
  }

  private async openForReading(): Promise<FileHandle> {
    this.reading = await this.openFile(this.path, 'r');
    return this.reading;
  }

  private async fileIfThere(): Promise<FileHandle | undefined> {
    try {
      return await this.file();
    } catch (error) {
      if (saysBytesAreLost(error)) return undefined;
      throw error;
    }
  }

  /** Zeros that stand for what cannot be read are no write that was torn. */
  private damageAt({ damage }: FrameCursor): Stretch {
    return this.isBroken ? { ...damage, isTorn: false } : damage;
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
