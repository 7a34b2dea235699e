import type { LogReader } from './log-reader.js';
import type { LogWriter } from './log-writer.js';

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
  readonly reader: LogReader;
  start(): Promise<void>;
  stop(graceMs?: number): Promise<void>;
  /** One sentence for /readyz while appends cannot succeed; undefined when well. */
  problem(): string | undefined;
}

export const COMMIT_LOG = Symbol('CommitLog');
