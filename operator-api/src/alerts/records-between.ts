import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord, PartitionBounds } from '@fieldgate/commit-log';
import type { LogTopic } from '@fieldgate/contracts';

/** So many in a row say together whether they are before a range or past it: clocks of gateways differ, and one may be behind or ahead. */
const IN_A_ROW = 1_000;

/** Of the append, epoch ms: inclusive, exclusive. */
interface TimeRange extends PartitionBounds {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The records of one partition that were appended from one time on and before another, and some earlier ones. Times need not rise: what lies
 * behind a longer row of wrong ones is looked for by samples, and may be missed where the row is longer than what is left of the range.
 */
export async function* recordsBetween(
  reader: LogReader,
  topic: LogTopic,
  range: TimeRange,
): AsyncIterable<LogRecord> {
  const { partition, end, fromMs, toMs } = range;
  let place = await find(reader, topic, range);
  for (;;) {
    let next = place.first;
    let past = 0;
    for await (const record of reader.read(topic, { partition, from: next, to: end })) {
      const { offset, timestampMs } = record;
      next = offset + 1;
      if (timestampMs < toMs) yield record;
      if (timestampMs >= toMs) past += 1;
      else if (timestampMs >= fromMs) past = 0;
      if (past < IN_A_ROW) continue;
      if (offset >= place.seen) break;
      if (past % IN_A_ROW === 0) await setImmediate(); // nobody who takes the records gives up his turn
    }
    if (past < IN_A_ROW) return; // the end of the partition
    place = await find(reader, topic, { ...range, earliest: next }); // perhaps only a gateway whose clock is ahead
    if (place.first === next && place.seen < next) return;
  }
}

/** The offset from which on there are such records: none, or few in a longer row of wrong times, stand before it. */
export async function firstSince(
  reader: LogReader,
  topic: LogTopic,
  range: PartitionBounds & { readonly fromMs: number },
): Promise<number> {
  return (await find(reader, topic, { ...range, toMs: Number.POSITIVE_INFINITY })).first;
}

interface Place {
  /** Where to begin. */
  readonly first: number;
  /** The last offset at which something of the range was seen. */
  readonly seen: number;
}

/** By halves: a range of yesterday must not read the week before it. */
async function find(reader: LogReader, topic: LogTopic, range: TimeRange): Promise<Place> {
  const { earliest, end } = range;
  const start = await sample(reader, topic, { ...range, end: Math.min(end, earliest + IN_A_ROW) });
  if (start.seen !== undefined) return { first: earliest, seen: start.seen };
  let [low, high, seen] = [earliest, end, -1];
  while (high - low > IN_A_ROW) {
    const middle = Math.floor((low + high) / 2);
    const found = await sample(reader, topic, { ...range, earliest: middle, end: high });
    if (found.seen !== undefined) seen = Math.max(seen, found.seen);
    if (found.isBefore) low = found.next;
    else high = middle;
  }
  // a row of times in the past may have led behind a part of the range: the farthest sample that has some of it tells
  for (let back = low - earliest; back > IN_A_ROW; back /= 2) {
    const at = Math.floor(low - back / 2);
    const found = await sample(reader, topic, { ...range, earliest: at, end: low });
    if (found.seen !== undefined) return { first: Math.floor(low - back), seen: Math.max(seen, found.seen) };
  }
  return { first: low, seen };
}

interface Sample {
  /** Where one of the range was seen. */
  readonly seen?: number;
  /** All of them are older than the range. */
  readonly isBefore: boolean;
  /** Behind the last one that was looked at. */
  readonly next: number;
}

async function sample(reader: LogReader, topic: LogTopic, range: TimeRange): Promise<Sample> {
  const { partition, earliest, end, fromMs, toMs } = range;
  let next = earliest;
  let newestMs = Number.NEGATIVE_INFINITY;
  let read = 0;
  await setImmediate(); // with the embedded log all of the reading would be one turn
  for await (const { offset, timestampMs } of reader.read(topic, { partition, from: earliest, to: end })) {
    next = offset + 1;
    if (timestampMs >= fromMs && timestampMs < toMs) return { seen: offset, isBefore: false, next };
    newestMs = Math.max(newestMs, timestampMs);
    if (++read >= IN_A_ROW) break;
  }
  return { isBefore: read > 0 && newestMs < fromMs, next }; // nothing from there on: compaction and expiry leave gaps
}
