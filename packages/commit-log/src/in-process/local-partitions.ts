import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import type { LogRecord } from '../log-record.js';

/** What a log that lives in this very process can do at once; the reader in `local-reader.ts` is built on it. */
export interface LocalPartitions {
  count(topic: LogTopic): number;
  partitionOf(topic: LogTopic, key: string): number;
  earliest(topic: LogTopic, partition: number): number;
  end(topic: LogTopic, partition: number): number;
  /** A batch from `from` on, and where to go on after it: behind the last of its records, and behind the gaps that follow. */
  take(topic: LogTopic, partition: number, from: number): { records: LogRecord[]; next: number };
  readonly tail: TailSignal;
  readonly offsets: GroupOffsets;
}

/** Where consumer groups have come to. */
export interface GroupOffsets {
  get(group: ConsumerGroup, topic: LogTopic, partition: number): number | undefined;
  /** Known at once, on disk a little later: a crash in between hands the same records over again. */
  keep(group: ConsumerGroup, topic: LogTopic, partition: number, offset: number): void;
  /** On disk from here; while the log is away it stays known, and goes to disk later. */
  flush(): Promise<void>;
}

/** Wakes readers that are at the end of a partition. */
export class TailSignal {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Something has been appended. */
  moved(topic: LogTopic, partition: number): void {
    const waiters = this.waiting.get(`${topic}/${partition}`);
    if (!waiters?.size) return;
    const all = [...waiters];
    waiters.clear();
    for (const wake of all) wake();
  }

  /** Resolves at the next append, or when `signal` is aborted. The caller has found nothing to read in the same turn. */
  next(topic: LogTopic, partition: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const place = `${topic}/${partition}`;
      const waiters = this.waiting.get(place) ?? new Set();
      this.waiting.set(place, waiters);
      const done = (): void => {
        waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiters.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
