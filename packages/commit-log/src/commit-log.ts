import type { LogReader } from './log-reader.js';
import type { LogWriter } from './log-writer.js';
import type { SpoolStatus } from './spool/spool-status.js';

/**
 * The one road from the gateway to everything else: a writer, a reader, and the life of what stands behind them.
 *
 * `start` resolves when the log can be used. An embedded log that cannot be opened rejects (`data-dir-unusable`, `data-damaged`); a log that
 * is only away for a while (Kafka) is waited for with back-off, while `problem` says so; a topic that exists and would break a promise
 * (clean-up, partitions, size of records) rejects with `log-misconfigured`. `stop` lets what was appended settle (for at most `graceMs`,
 * then with `log-unavailable`), ends every consumption and closes. Both may be called twice.
 */
export interface CommitLog {
  readonly writer: LogWriter;
  /**
   * For what devices send, and the gateway says of them. Where the log may be away it has a spool on this disk: a record that is settled without an error and
   * without a position lies there, and comes into the log before any later one of its key. Elsewhere it is `writer`.
   */
  readonly ingest: LogWriter;
  readonly reader: LogReader;
  start(): Promise<void>;
  stop(graceMs?: number): Promise<void>;
  /** One sentence for /readyz while appends cannot succeed; undefined when well. */
  problem(): string | undefined;
  /** Of the spool that `ingest` has; undefined when it has none. */
  spool(): SpoolStatus | undefined;
}

export const COMMIT_LOG = Symbol('CommitLog');
