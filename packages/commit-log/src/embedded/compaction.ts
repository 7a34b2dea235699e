import type { LogTopic } from '@fieldgate/contracts';
import { eventLoopTurn } from '../in-process/event-loop-turn.js';
import type { LogRecord } from '../log-record.js';
import type { BlockStore } from './block-store.js';
import { endFact, type EmbeddedPartitions } from './embedded-partitions.js';
import { BlockEncoder, decodeBlock, encodedBytes, type BlockHeader } from './record-block.js';

/** A reader that was away for less than this has seen every deletion. */
export const TOMBSTONE_MS = 24 * 3_600_000;
const AT_ONCE = 64;

interface Run {
  readonly topic: LogTopic;
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * Leaves of one topic the newest record per key, and tombstones for a day. Blocks keep their place and what they cover; a block with nothing
 * left in it goes. What is appended meanwhile only supersedes more, and is the next run's.
 */
export async function compact(store: BlockStore, partitions: EmbeddedPartitions, run: Run): Promise<void> {
  const newest = new Map<string, number>();
  const end = partitions.end(run.topic);
  for await (const { records } of blocksBefore(store, end, run))
    for (const record of records) newest.set(record.key, record.offset);

  const keeps = (record: LogRecord): boolean =>
    newest.get(record.key) === record.offset &&
    (record.value !== null || run.now - record.timestampMs < TOMBSTONE_MS);
  const encoder = new BlockEncoder();
  for await (const { header, records } of blocksBefore(store, end, run)) {
    const kept = records.filter(keeps);
    if (kept.length === records.length) continue;
    const { topic } = run;
    const { base } = header;
    if (kept.length > 0)
      await store.commit({ put: [{ topic, base, block: encoded(encoder, header, kept) }] });
    else await store.commit({ remove: [{ topic, base }], facts: [[endFact(topic), partitions.end(topic)]] });
  }
}

async function* blocksBefore(
  store: BlockStore,
  end: number,
  { topic, signal }: Run,
): AsyncIterable<{ header: BlockHeader; records: LogRecord[] }> {
  let from = 0;
  while (from < end && !signal.aborted) {
    const bases = store.bases(topic, from, AT_ONCE).filter((base) => base < end);
    if (bases.length === 0) return;
    for (const base of bases) {
      const block = store.block(topic, base);
      const records: LogRecord[] = [];
      from = base + 1;
      if (block !== undefined && !signal.aborted)
        yield { header: decodeBlock(topic, base, block, { from: 0, records }), records };
    }
    await eventLoopTurn();
  }
}

function encoded(encoder: BlockEncoder, header: BlockHeader, records: readonly LogRecord[]): Buffer {
  const bytes = records.reduce((sum, record) => sum + encodedBytes(record), 0);
  encoder.begin(BlockEncoder.bytesFor(1, bytes));
  encoder.startBlock();
  for (const { offset, key, value } of records) encoder.add(offset - header.base, key, value);
  return encoder.finishBlock(header.timestampMs, header.end - header.base);
}
