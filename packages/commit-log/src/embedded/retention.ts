import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import type { BlockStore } from './block-store.js';
import { endFact, TOPICS, type EmbeddedPartitions } from './embedded-partitions.js';

/** How many blocks go in one commit: a removal must not hold up appends for long. */
const AT_ONCE = 64;
/** How far below the limit the size is brought, so that it is not reached again by the next group. */
const SHRINK_TO = 0.95;

/** Removes the blocks of one topic whose records are all older than its retention; says how many records that were. */
export async function expire(
  store: BlockStore,
  partitions: EmbeddedPartitions,
  { topic, now }: { topic: LogTopic; now: number },
): Promise<number> {
  const oldest = now - LOG_TOPICS[topic].retentionMs;
  let removed = 0;
  for (;;) {
    const bases = store.bases(topic, 0, AT_ONCE);
    const kept = bases.findIndex((base) => (store.header(topic, base)?.timestampMs ?? now) >= oldest);
    const old = kept < 0 ? bases : bases.slice(0, kept);
    if (old.length === 0) return removed;
    removed += await remove(store, partitions, { topic, bases: old });
  }
}

/** Removes the oldest records of the topics that are not compacted until the log is small enough; says how many. */
export async function shrink(
  store: BlockStore,
  partitions: EmbeddedPartitions,
  maxBytes: number,
): Promise<number> {
  let removed = 0;
  if (totalBytes(store) <= maxBytes) return 0;
  for (;;) {
    const excess = totalBytes(store) - maxBytes * SHRINK_TO;
    const [oldest, second] = firstBlocks(store);
    if (excess <= 0 || oldest === undefined) return removed; // without an oldest one only tables are left, and they are never cut
    const bases = blocksUpTo(store, oldest.topic, {
      bytes: excess,
      timestampMs: second?.timestampMs ?? Infinity,
    });
    removed += await remove(store, partitions, { topic: oldest.topic, bases });
  }
}

function totalBytes(store: BlockStore): number {
  return TOPICS.reduce((sum, topic) => sum + store.bytesOf(topic), 0);
}

/** The first block of every topic that is not compacted, the oldest first. */
function firstBlocks(store: BlockStore): { topic: LogTopic; timestampMs: number }[] {
  const first = TOPICS.flatMap((topic) => {
    const base = LOG_TOPICS[topic].cleanup === 'delete' ? store.firstBase(topic) : undefined;
    const header = base === undefined ? undefined : store.header(topic, base);
    return header === undefined ? [] : [{ topic, timestampMs: header.timestampMs }];
  });
  return first.sort((a, b) => a.timestampMs - b.timestampMs);
}

/** The first block, and what follows it as long as it is older than the limit and as much as is wanted. */
function blocksUpTo(
  store: BlockStore,
  topic: LogTopic,
  limit: { readonly bytes: number; readonly timestampMs: number },
): number[] {
  const wanted: number[] = [];
  let bytes = 0;
  for (const base of store.bases(topic, 0, AT_ONCE)) {
    const header = store.header(topic, base);
    const isEnough = bytes >= limit.bytes || (header?.timestampMs ?? 0) > limit.timestampMs;
    if (wanted.length > 0 && isEnough) break;
    wanted.push(base);
    bytes += header?.bytes ?? 0;
  }
  return wanted;
}

async function remove(
  store: BlockStore,
  partitions: EmbeddedPartitions,
  { topic, bases }: { topic: LogTopic; bases: readonly number[] },
): Promise<number> {
  const records = bases.reduce((sum, base) => sum + (store.header(topic, base)?.count ?? 0), 0);
  await store.commit({
    remove: bases.map((base) => ({ topic, base })),
    facts: [[endFact(topic), partitions.end(topic)]],
  });
  return records;
}
