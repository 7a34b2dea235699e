import type { LogReader, LogRecord, PartitionBounds } from '@fieldgate/commit-log';
import type { LogTopic } from '@fieldgate/contracts';

/** Of a gateway whose clock is ahead there may be some between the others; so many in a row are past the range. */
const PAST_RANGE = 1_000;

/** The records of one partition that were appended from one time on and before another. Times in epoch ms. */
export async function* recordsBetween(
  reader: LogReader,
  topic: LogTopic,
  range: PartitionBounds & { readonly fromMs: number; readonly toMs: number },
): AsyncIterable<LogRecord> {
  const { partition, end } = range;
  const from = await firstSince(reader, topic, range);
  let beyond = 0;
  for await (const record of reader.read(topic, { partition, from, to: end })) {
    beyond = record.timestampMs < range.toMs ? 0 : beyond + 1;
    if (beyond === 0) yield record;
    if (beyond >= PAST_RANGE) return;
  }
}

/** An offset; by halves: a range of yesterday must not read the week before it. Where times go backwards it may be a little early or late. */
export async function firstSince(
  reader: LogReader,
  topic: LogTopic,
  { partition, earliest, end, fromMs }: PartitionBounds & { readonly fromMs: number },
): Promise<number> {
  let [low, high] = [earliest, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record = await firstOf(reader.read(topic, { partition, from: middle, to: high }));
    // nothing from the middle on: compaction and expiry leave gaps
    if (record === undefined || record.timestampMs >= fromMs) high = middle;
    else low = record.offset + 1;
  }
  return low;
}

async function firstOf(records: AsyncIterable<LogRecord>): Promise<LogRecord | undefined> {
  for await (const record of records) return record;
  return undefined;
}
