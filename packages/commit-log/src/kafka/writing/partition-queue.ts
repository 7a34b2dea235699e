import type { LogTopic } from '@fieldgate/contracts';
import type { NewRecord, Settle } from '../../log-writer.js';

/**
 * How long an append waits while the log is away. `timed`: until its own time is over. `ingest`: until one of its partition has waited for too
 * long; then all of these leave together, so that no older one comes after a newer one. `patient`: for as long as it takes.
 */
export type Waiting = 'timed' | 'ingest' | 'patient';

/** One record on its way. It stays in its partition's queue until its fate is known. */
export interface PendingRecord {
  readonly waiting: Waiting;
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
   * request, and writes both in any order. A newer record between the copies would be overtaken by an older one of its key. What was taken back
   * is not among them: it comes again from the spool, maybe with newer ones, and only where readers are idempotent.
   */
  private unanswered = 0;
  /** Some were settled before their send was answered. */
  private hasSettled = false;
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

  /** The unsettled records of a kind that were appended before a tick, oldest first; also those in flight. */
  *unsettled(waiting: Waiting, before = Number.MAX_SAFE_INTEGER): Iterable<PendingRecord> {
    for (let at = this.head; at < this.records.length; at++) {
      const record = this.records[at];
      if (record === undefined || record.tick >= before) return;
      if (record.settle && record.waiting === waiting) yield record;
    }
  }

  /** To be called when records were settled that no answer has settled. */
  noteSettled(): void {
    this.hasSettled = true;
    this.dropSettled();
  }

  /** Records that ran out of time or were taken back leave, but never while they are counted as in flight. */
  dropSettled(): void {
    if (!this.hasSettled || this.isInFlight) return;
    this.hasSettled = false;
    const unanswered = this.head + this.unanswered;
    this.unanswered = countUnsettled(this.records, this.head, unanswered);
    this.records = this.records.slice(this.head).filter(isUnsettled);
    this.head = 0;
  }

  private compact(): void {
    if (this.head === this.records.length) {
      this.records = [];
      this.head = 0;
    } else if (this.head > COMPACT_AT && this.head * 2 > this.records.length) {
      this.records = this.records.slice(this.head);
      this.head = 0;
    }
  }
}

function isUnsettled({ settle }: PendingRecord): boolean {
  return settle !== undefined;
}

function countUnsettled(records: readonly PendingRecord[], from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (records[at]?.settle !== undefined) count++;
  return count;
}

/**
 * So many that have left may stand before the first that has not: each keeps its message alive. In a queue that is never empty for seconds,
 * as on a busy machine, a thousand of them were all that came in eight seconds, and outlived the young generation.
 */
const COMPACT_AT = 32;
/** Above this a limit no longer limits: a request carries fewer. */
const MOST_EVER = 1_024;
