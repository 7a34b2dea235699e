import { open } from 'node:fs/promises';
import type { Logger } from '@fieldgate/service';
import { DirectoryLock } from '../embedded/directory-lock.js';
import { loadSegments } from './load-segments.js';
import type { SpooledRecord, SpoolPosition } from './record-frame.js';
import type { OpenFile } from './segment-appender.js';
import { spoolError } from './spool-errors.js';
import { SpoolMark } from './spool-mark.js';
import { SpoolQuarantine, type DamageReport } from './spool-quarantine.js';
import { SpoolReserve } from './spool-reserve.js';
import type { SpoolSegment, ReadLimits, ReadRecord } from './spool-segment.js';
import { SpoolTail } from './spool-tail.js';

export type { SpooledRecord, SpoolPosition } from './record-frame.js';
export type { DamageReport } from './spool-quarantine.js';
export type { ReadLimits, ReadRecord } from './spool-segment.js';

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;

export interface DiskSpoolOptions {
  /** Of this spool alone; created when it is missing. */
  readonly directory: string;
  /** After so many bytes a new file is begun: whole files are what is given back to the disk. 16 MiB. */
  readonly segmentBytes?: number;
  readonly logger: Logger;
  /** Called once for each damaged stretch; it has been logged and counted. */
  damaged(report: DamageReport): void;
  /** For tests: a disk that fails. */
  readonly openFile?: OpenFile;
}

/**
 * Records that the log cannot take at the moment, on the local disk, in the order of their appends. It knows nothing of the log. One process per
 * directory. Files: see record-frame.ts.
 */
export class DiskSpool {
  private readonly lock: DirectoryLock;
  private readonly mark: SpoolMark;
  private readonly quarantine: SpoolQuarantine;
  private readonly reserve: SpoolReserve;
  private readonly tail: SpoolTail;
  /** Oldest first. */
  private segments: SpoolSegment[] = [];
  /** Being read: the only one whose file is open for that. */
  private inHand: SpoolSegment | undefined;
  private endPosition: SpoolPosition = 0;
  private releasedPosition: SpoolPosition = 0;
  /** What the mark says on disk. */
  private markedPosition: SpoolPosition | undefined;
  /** Reading and releasing take turns: no file is removed while it is read. */
  private turn: Promise<unknown> = Promise.resolve();
  private isOpen = false;

  constructor(private readonly options: DiskSpoolOptions) {
    const { directory, logger } = options;
    const { openFile = open, segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
    this.lock = new DirectoryLock(directory);
    this.tail = new SpoolTail({ directory, segmentBytes, openFile, logger });
    this.reserve = new SpoolReserve(directory, openFile, logger);
    this.mark = new SpoolMark(directory, openFile);
    this.quarantine = new SpoolQuarantine(directory, logger, (report) => options.damaged(report));
  }

  /**
   * Takes the directory, checks every record in it, cuts off what a torn write has left, and quarantines what is damaged. Throws
   * `spool-unusable`.
   */
  async open(): Promise<void> {
    const { directory, logger, openFile = open } = this.options;
    try {
      await this.reserve.giveUp();
      await this.lock.take();
      const mark = await this.mark.load();
      if (mark === 'damaged')
        logger.warn({ file: this.mark.path }, 'mark of the spool is damaged; all it holds is sent again');
      const released = mark === 'damaged' ? undefined : mark;
      const loaded = await loadSegments(directory, { released: released ?? 0, openFile, logger });
      this.markedPosition = released;
      this.segments = loaded.segments;
      this.releasedPosition = released ?? loaded.segments[0]?.base ?? 0;
      this.endPosition = Math.max(loaded.segments.at(-1)?.end ?? 0, this.releasedPosition);
      this.tail.nextBase = Math.max(loaded.nextBase, this.endPosition);
      for (const { segment, stretch } of loaded.damage) {
        await this.quarantine.keep(segment, stretch);
        await segment.close();
      }
      await this.reserve.setAside();
      this.isOpen = true;
    } catch (error) {
      await this.close();
      throw spoolError('spool-unusable', directory, error);
    }
  }

  /**
   * Durable when it resolves. One call at a time. Throws `spool-unwritable`, and then nothing of the group counts; a later call may succeed, and
   * continues cleanly.
   */
  async append(records: readonly SpooledRecord[]): Promise<{ from: SpoolPosition; next: SpoolPosition }> {
    if (!this.isOpen) throw new Error('the spool is not open'); // a mistake of the caller
    if (records.length === 0) return { from: this.endPosition, next: this.endPosition };
    const { segment, isFirst, from, next } = await this.tail.append(records, this.endPosition);
    if (isFirst) this.segments.push(segment);
    this.endPosition = next;
    return { from, next }; // durable from here
  }

  /**
   * From a position on, which should be the `next` of an earlier record or `released`. Passes what is damaged. Empty: nothing is left before what
   * `end` was at the call. Throws `spool-unreadable`: when that is said again and again of one place, what cannot be read there is taken for
   * damaged, and passed.
   */
  read(from: SpoolPosition, limits: ReadLimits): Promise<readonly ReadRecord[]> {
    return this.inTurn(async () => {
      const records: ReadRecord[] = [];
      let left = limits.maxBytes;
      const until = this.endPosition;
      for (const segment of this.segments) {
        if (segment.end <= from || segment.base >= until) continue;
        if (records.length >= limits.maxRecords || (left <= 0 && records.length > 0)) break;
        const before = records.length;
        const { maxRecords } = limits;
        await this.readSegment(segment, Math.max(from, segment.base), {
          records,
          maxRecords,
          maxBytes: left,
        });
        for (const { at, next } of records.slice(before)) left -= next - at;
        if (records.length > 0 && (records.at(-1)?.next ?? 0) < segment.end) break; // full, not at its end
      }
      return records;
    });
  }

  /** What the log will never have: no longer read, and a copy is kept, in the file that is returned. Without one the whole segment is kept. Never rejects. */
  setAside(place: { readonly from: SpoolPosition; readonly to: SpoolPosition }): Promise<string | undefined> {
    return this.inTurn(async () => {
      const segment = this.segments.find(({ base, end }) => place.from >= base && place.from < end);
      if (segment === undefined) return undefined;
      segment.noteDamage(place);
      const copy = await this.quarantine.copyOf(segment, place);
      if (copy === undefined) segment.keptFrom = Math.min(place.from, segment.keptFrom ?? Infinity);
      if (segment !== this.inHand) await segment.close().catch(() => undefined); // it was only read
      return copy;
    });
  }

  /** Rejects while the disk takes nothing. */
  probe(): Promise<void> {
    return this.reserve.probe();
  }

  /**
   * Everything before the position is in the log: whole segments before it are removed, and it is kept for the next start. Segments go first, so
   * that a full disk gets room: one that is missing is before the mark. Throws `spool-unwritable` when the mark cannot be kept: then a start
   * before the next call repeats some records.
   */
  release(before: SpoolPosition): Promise<void> {
    return this.inTurn(async () => {
      if (!this.isOpen) return; // the directory may be another's
      this.releasedPosition = Math.max(this.releasedPosition, Math.min(before, this.endPosition));
      const position = this.releasedPosition;
      try {
        await this.removeReleased();
        const mark = Math.min(position, ...this.segments.map(({ keptFrom = Infinity }) => keptFrom));
        if (this.markedPosition === mark) return;
        await this.mark.save(mark);
        this.markedPosition = mark;
      } catch (error) {
        throw spoolError('spool-unwritable', this.options.directory, error);
      }
    });
  }

  get released(): SpoolPosition {
    return this.releasedPosition;
  }

  get end(): SpoolPosition {
    return this.endPosition;
  }

  /** On disk and not released. */
  get bytes(): number {
    let bytes = 0;
    for (const { base, end } of this.segments)
      bytes += Math.max(0, end - Math.max(base, this.releasedPosition));
    return bytes;
  }

  /** Not released; in a segment that is released in part it is estimated by bytes. */
  get records(): number {
    let records = 0;
    for (const segment of this.segments) records += segment.recordsFrom(this.releasedPosition);
    return records;
  }

  /** Arrival of the oldest record that is not released, or of one before it in its segment. */
  get oldestMs(): number | undefined {
    for (const { end, oldestMs } of this.segments)
      if (end > this.releasedPosition && oldestMs !== undefined) return oldestMs;
    return undefined;
  }

  /** May be called twice. What is being appended or read ends first. */
  async close(): Promise<void> {
    this.isOpen = false;
    await this.tail.close();
    await this.turn;
    await this.inHand?.close();
    this.inHand = undefined;
    await this.lock.release();
  }

  private async readSegment(
    segment: SpoolSegment,
    from: SpoolPosition,
    into: ReadLimits & { readonly records: ReadRecord[] },
  ): Promise<void> {
    try {
      if (this.inHand !== segment) await this.inHand?.close();
      this.inHand = segment;
      const damage = await segment.read(from, into.records, into);
      for (const stretch of damage) await this.quarantine.keep(segment, stretch);
    } catch (error) {
      segment.noteFailedRead(from, error);
      throw spoolError('spool-unreadable', segment.path, error);
    }
  }

  private async removeReleased(): Promise<void> {
    while (true) {
      const [oldest] = this.segments;
      if (oldest === undefined || oldest.end > this.releasedPosition) return;
      if (!this.tail.leave(oldest)) return; // it grows right now
      if (oldest.isBroken || oldest.keptFrom !== undefined) await this.quarantine.take(oldest);
      else await oldest.remove();
      this.segments.shift();
    }
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.turn.then(task);
    this.turn = result.catch(() => undefined); // the caller has it
    return result;
  }
}
