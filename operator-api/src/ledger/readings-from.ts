import type { LogReader, PartitionBounds } from '@fieldgate/commit-log';
import { LOG_TOPICS } from '@fieldgate/contracts';

const TELEMETRY = 'fieldgate.telemetry.v1';

/**
 * From when on the log has all readings of these partitions, epoch ms: of before then some have gone, because they were old or there was no
 * room. 0: none have gone.
 */
export async function readingsFrom(
  reader: LogReader,
  partitions: ReadonlySet<number>,
  nowMs: number,
): Promise<number> {
  let from = 0;
  for (const bounds of await reader.bounds(TELEMETRY)) {
    if (!partitions.has(bounds.partition) || bounds.earliest === 0) continue;
    from = Math.max(from, (await firstTime(reader, bounds)) ?? nowMs - LOG_TOPICS[TELEMETRY].retentionMs);
  }
  return from;
}

async function firstTime(
  reader: LogReader,
  { partition, earliest, end }: PartitionBounds,
): Promise<number | undefined> {
  const all = { partition, from: earliest, to: end };
  for await (const { timestampMs } of reader.read(TELEMETRY, all)) return timestampMs;
  return undefined;
}
