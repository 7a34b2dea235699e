import type { FieldgateError, LogTopic } from '@fieldgate/contracts';
import { Backlog } from '../../backlog.js';
import type { LogPosition } from '../../log-record.js';
import type { NewRecord, Settle } from '../../log-writer.js';
import type { PartitionQueue, PendingRecord } from './partition-queue.js';

/** A record that was taken back from the way to Kafka: whether it is there is unknown. */
export interface TakenBack {
  readonly record: NewRecord;
  readonly timestampMs: number;
  readonly settle: Settle;
}

/** Takes what devices have sent and the log has not answered in time: the records of one partition, in order. */
export type Overflow = (topic: LogTopic, partition: number, records: readonly TakenBack[]) => void;

/** Above this much, an append says that it is too much. */
const BACKLOG_LIMIT = { records: 10_000, bytes: 32 * 1024 * 1024 };

/** What was appended and has not been settled: each is settled once, by whoever comes first. */
export class UnsettledRecords {
  private readonly backlog = new Backlog(BACKLOG_LIMIT);
  private count = 0;
  private emptied: (() => void) | undefined;

  /** `failed`: a callback threw; the others are called all the same. */
  constructor(private readonly failed: (error: unknown, record: NewRecord) => void) {}

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** False when there is too much now. What is patient has its own bound where it comes from, and holds back nobody else. */
  add({ waiting, bytes }: PendingRecord): boolean {
    this.count++;
    return waiting === 'patient' || this.backlog.add(bytes);
  }

  drained(listener: () => void): void {
    this.backlog.drained(listener);
  }

  /** Resolves when all are settled. */
  untilEmpty(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => (this.emptied = resolve));
  }

  /** False when it ran out of time before, or was taken back. */
  settle(record: PendingRecord, error?: FieldgateError, at?: LogPosition): boolean {
    const { settle } = record;
    if (settle === undefined) return false;
    record.settle = undefined;
    try {
      settle(error, at, record.record);
    } catch (failure) {
      this.failed(failure, record.record);
    }
    this.leave(record);
    return true;
  }

  /** What was ingested into a partition, without settling it. */
  takeBack(queue: PartitionQueue): readonly TakenBack[] {
    const taken: TakenBack[] = [];
    for (const pending of queue.unsettled('ingest')) {
      const { record, timestampMs, settle } = pending;
      if (settle) taken.push({ record, timestampMs, settle });
      pending.settle = undefined;
      this.leave(pending);
    }
    queue.noteSettled();
    return taken;
  }

  private leave(record: PendingRecord): void {
    this.count--;
    if (record.waiting !== 'patient') this.backlog.remove(1, record.bytes);
    if (this.isEmpty) this.emptied?.();
  }
}
