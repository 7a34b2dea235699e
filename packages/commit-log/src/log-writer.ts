import type { FieldgateError, LogTopic } from '@fieldgate/contracts';
import type { LogPosition } from './log-record.js';

export interface NewRecord {
  readonly topic: LogTopic;
  readonly key: string;
  /** What decides the partition, when that is not the key: everything of one device must share one partition. */
  readonly partitionKey?: string;
  /** null: a tombstone. The bytes must not be changed after the call. */
  readonly value: Uint8Array | null;
}

/**
 * Called exactly once per record: without an error when it is durable, and then with its position (without one from `ingest` when it lies in the
 * spool). The record comes along, so that one function can serve many.
 */
export type Settle<R extends NewRecord = NewRecord> = (
  error: FieldgateError | undefined,
  at: LogPosition | undefined,
  record: R,
) => void;

export interface LogWriter {
  /**
   * Appends one record; keeps the order of calls per partition. `settle` is called once, never before `append` returns: nothing when the
   * record is durable (flushed to this disk, or acknowledged by `min.insync.replicas`), else `log-unavailable` (retriable: the outcome is
   * unknown, so a resend may duplicate it) or `record-refused` (final, this record only, never its neighbours).
   *
   * Returns false when too much is waiting: the record is still taken, but the caller should stop taking more until `drained`.
   * No promise per record on the hot path; `appended()` wraps it for the cold ones.
   */
  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean;

  /** Called once, as soon as no more is waiting than half the limit; at once (in a later turn) when that is so already. */
  drained(listener: () => void): void;
}

/** For cold paths: resolves with the position once durable, rejects with the log's error. */
export function appended(writer: LogWriter, record: NewRecord): Promise<LogPosition> {
  return new Promise((resolve, reject) => {
    writer.append(record, (error, at) => (error === undefined ? resolve(at as LogPosition) : reject(error))); // settled without an error: there is a position
  });
}
