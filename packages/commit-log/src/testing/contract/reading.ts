import type { LogTopic } from '@fieldgate/contracts';
import type { CommitLog } from '../../commit-log.js';
import type { PartitionBounds } from '../../log-reader.js';
import type { LogPosition, LogRecord } from '../../log-record.js';

export async function allOf(records: AsyncIterable<LogRecord>): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

export async function recordAt(
  log: CommitLog,
  topic: LogTopic,
  at: LogPosition,
): Promise<LogRecord | undefined> {
  const range = { partition: at.partition, from: at.offset, to: at.offset + 1 };
  return (await allOf(log.reader.read(topic, range)))[0];
}

/** Everything that was appended, by anyone, since these bounds were taken. */
export async function recordsBetween(
  log: CommitLog,
  topic: LogTopic,
  start: readonly PartitionBounds[],
): Promise<LogRecord[]> {
  const now = await log.reader.bounds(topic);
  const parts = now.map(({ partition, end }) => {
    const from = start.find((bounds) => bounds.partition === partition)?.end ?? 0;
    return allOf(log.reader.read(topic, { partition, from, to: end }));
  });
  return (await Promise.all(parts)).flat();
}
