import type { LogTopic } from '@fieldgate/contracts';
import type { NewRecord, Settle } from '../../log-writer.js';

/** One record on its way. It stays in its partition's queue until its fate is known. */
export interface PendingRecord {
  readonly partition: number;
  readonly record: NewRecord;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly bytes: number;
  /** The deadline clock's tick at the append. */
  readonly tick: number;
  /** undefined once it has been called. */
  settle: Settle | undefined;
}

/** The records of one partition in the order of their appends; the first `inFlight` of them are with the broker. */
export class PartitionQueue {
  private records: PendingRecord[] = [];
  private head = 0;
  private inFlightCount = 0;
  /**
   * So many from the front were sent and not answered. They go again without newer ones: a broker that was frozen still has the given-up
   * request, and writes both in any order. A newer record between the copies would be overtaken by an older one of its key.
   */
  private unanswered = 0;
  /** Fewer than usual while a refused record is being found. */
  private limit = Number.MAX_SAFE_INTEGER;
  /** Times in a row that a send of this partition came to nothing. */
  failures = 0;
  /** In a lane's line already. */
  offered = false;

  constructor(
    readonly topic: LogTopic,
    readonly partition: number,
  ) {}

  get isInFlight(): boolean {
    return this.inFlightCount > 0;
  }

  get isEmpty(): boolean {
    return this.head === this.records.length;
  }

  push(record: PendingRecord): void {
    this.records.push(record);
  }

  /** The next records for a request, at most so many and so large, but at least one. They count as in flight from here. */
  take(maxRecords: number, maxBytes: number): PendingRecord[] {
    this.dropSettled();
    const there = this.unanswered > 0 ? this.unanswered : this.records.length - this.head;
    const most = Math.min(maxRecords, this.limit, there);
    let bytes = 0;
    let count = 0;
    for (; count < most; count++) {
      bytes += this.records[this.head + count]?.bytes ?? 0;
      if (bytes > maxBytes && count > 0) break;
    }
    this.inFlightCount = count;
    return this.records.slice(this.head, this.head + count);
  }

  /** The records in flight are durable, or refused: they leave. */
  leave(): void {
    this.head += this.inFlightCount;
    this.unanswered = Math.max(0, this.unanswered - this.inFlightCount);
    this.inFlightCount = 0;
    this.failures = 0;
    this.limit = this.limit * 2 > MOST_EVER ? Number.MAX_SAFE_INTEGER : this.limit * 2;
    this.compact();
  }

  /** The outcome is unknown: the same records are first in line again, in their order. */
  putBack(): void {
    this.unanswered = Math.max(this.unanswered, this.inFlightCount);
    this.inFlightCount = 0;
    this.failures++;
  }

  /** One of them was refused: they go again in halves, so that it ends up alone. */
  halve(): void {
    this.limit = Math.max(1, this.inFlightCount >> 1);
    this.inFlightCount = 0;
  }

  /** The unsettled records that were appended before a tick, oldest first; also those in flight. */
  *appendedBefore(tick: number): Iterable<PendingRecord> {
    for (let at = this.head; at < this.records.length; at++) {
      const record = this.records[at];
      if (record === undefined || record.tick >= tick) return;
      if (record.settle) yield record;
    }
  }

  /** Records that ran out of time leave from the front, but never while they are counted as in flight. */
  dropSettled(): void {
    if (this.isInFlight) return;
    while (this.head < this.records.length && this.records[this.head]?.settle === undefined) {
      this.head++;
      this.unanswered = Math.max(0, this.unanswered - 1);
    }
    this.compact();
  }

  private compact(): void {
    if (this.head === this.records.length) {
      this.records = [];
      this.head = 0;
    } else if (this.head > 1_024 && this.head * 2 > this.records.length) {
      this.records = this.records.slice(this.head);
      this.head = 0;
    }
  }
}

/** Above this a limit no longer limits: a request carries fewer. */
const MOST_EVER = 1_024;
