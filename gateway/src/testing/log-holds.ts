import type { LogTopic } from '@fieldgate/contracts';
import type { CommitLog } from '@fieldgate/commit-log';

/** Resolves when a topic holds `count` records with these words. */
export function logHolds(log: CommitLog, topic: LogTopic, words: string, count = 1): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    const has = (value: Uint8Array | null): boolean => Buffer.from(value ?? '').includes(words);
    const follow = log.reader.follow(
      topic,
      'earliest',
      (records) => {
        left -= records.filter(({ value }) => has(value)).length;
        if (left <= 0) resolve();
      },
      { failed: reject },
    );
    follow.catch(reject);
  });
}
