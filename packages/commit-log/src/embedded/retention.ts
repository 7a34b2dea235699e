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
  let bytes = totalBytes(store);
  if (bytes <= maxBytes) return 0;
  while (bytes > maxBytes * SHRINK_TO) {
    const topic = topicOfOldest(store);
    if (topic === undefined) break; // only tables are left, and they are never cut
    const bases = store.bases(topic, 0, bytes > maxBytes * 2 ? AT_ONCE : 1);
    removed += await remove(store, partitions, { topic, bases });
    bytes = totalBytes(store);
  }
  return removed;
}

function totalBytes(store: BlockStore): number {
  return TOPICS.reduce((sum, topic) => sum + store.bytesOf(topic), 0);
}

function topicOfOldest(store: BlockStore): LogTopic | undefined {
  let oldest: { topic: LogTopic; at: number } | undefined;
  for (const topic of TOPICS) {
    const base = LOG_TOPICS[topic].cleanup === 'delete' ? store.firstBase(topic) : undefined;
    const at = base === undefined ? undefined : store.header(topic, base)?.timestampMs;
    if (at !== undefined && (oldest === undefined || at < oldest.at)) oldest = { topic, at };
  }
  return oldest?.topic;
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
