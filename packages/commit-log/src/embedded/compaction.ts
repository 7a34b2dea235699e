import type { LogTopic } from '@fieldgate/contracts';
import { eventLoopTurn } from '../in-process/event-loop-turn.js';
import type { LogRecord } from '../log-record.js';
import type { BlockStore } from './block-store.js';
import { endFact, type EmbeddedPartitions } from './embedded-partitions.js';
import { BlockEncoder, decodeBlock, encodedBytes, type BlockHeader } from './record-block.js';

/** A reader that was away for less than this has seen every deletion. */
export const TOMBSTONE_MS = 24 * 3_600_000;
const AT_ONCE = 64;
const AT_ONCE_BYTES = 2 * 1024 * 1024;

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
  const changes = new Changes(store, partitions, run.topic);
  for await (const { header, records } of blocksBefore(store, end, run)) {
    const kept = records.filter(keeps);
    if (kept.length === records.length) continue;
    changes.add(header.base, kept.length === 0 ? undefined : encoded(encoder, header, kept));
    if (changes.areMany) await changes.commit();
  }
  await changes.commit();
}

/** Blocks that go or become smaller, gathered: each commit is a flush, and appends wait for it. */
class Changes {
  private put: { readonly topic: LogTopic; readonly base: number; readonly block: Buffer }[] = [];
  private remove: { readonly topic: LogTopic; readonly base: number }[] = [];
  private bytes = 0;

  constructor(
    private readonly store: BlockStore,
    private readonly partitions: EmbeddedPartitions,
    private readonly topic: LogTopic,
  ) {}

  get areMany(): boolean {
    return this.put.length + this.remove.length >= AT_ONCE || this.bytes >= AT_ONCE_BYTES;
  }

  add(base: number, block: Buffer | undefined): void {
    const { topic } = this;
    if (block === undefined) this.remove.push({ topic, base });
    else this.put.push({ topic, base, block });
    this.bytes += block?.length ?? 0;
  }

  async commit(): Promise<void> {
    const { put, remove, topic } = this;
    this.put = [];
    this.remove = [];
    this.bytes = 0;
    if (put.length + remove.length === 0) return;
    await this.store.commit({ put, remove, facts: [[endFact(topic), this.partitions.end(topic)]] });
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
  return Buffer.from(encoder.finishBlock(header.timestampMs, header.end - header.base)); // the encoder goes on
}
