import type { LogTopic } from '@fieldgate/contracts';
import { LOG_TOPICS } from '@fieldgate/contracts';
import { TailSignal, type LocalPartitions } from '../in-process/local-partitions.js';
import type { LogRecord } from '../log-record.js';
import type { BlockStore } from './block-store.js';
import type { EmbeddedOffsets } from './embedded-offsets.js';
import { blockHeader, decodeBlock } from './record-block.js';

const BATCH_RECORDS = 2_000;
const BATCH_BYTES = 4 * 1024 * 1024;

export const TOPICS = Object.keys(LOG_TOPICS) as LogTopic[]; // the keys of LOG_TOPICS are the topics

/** One partition per topic, as blocks in the store; the end of each is kept in memory and moves when a group is on disk. */
export class EmbeddedPartitions implements LocalPartitions {
  readonly tail = new TailSignal();
  private readonly ends = new Map<LogTopic, number>();

  constructor(
    private readonly store: BlockStore,
    readonly offsets: EmbeddedOffsets,
  ) {}

  /** What stands in the store: the last block of a topic, or the end that was noted when its last block went. */
  load(): void {
    const noted = new Map(this.store.allFacts());
    for (const topic of TOPICS) {
      const last = this.store.lastBase(topic);
      const end = last === undefined ? 0 : (this.store.header(topic, last)?.end ?? 0);
      this.ends.set(topic, Math.max(end, Number(noted.get(endFact(topic)) ?? 0)));
    }
    this.offsets.load(noted);
  }

  count(): number {
    return 1;
  }

  partitionOf(): number {
    return 0;
  }

  earliest(topic: LogTopic): number {
    return this.store.firstBase(topic) ?? this.end(topic);
  }

  end(topic: LogTopic): number {
    return this.ends.get(topic) ?? 0;
  }

  /** Durable from here: readers may have it. */
  advance(topic: LogTopic, end: number): void {
    this.ends.set(topic, end);
    this.tail.moved(topic, 0);
  }

  take(topic: LogTopic, _partition: number, from: number): { records: LogRecord[]; next: number } {
    const records: LogRecord[] = [];
    const end = this.end(topic);
    let next = from;
    let bytes = 0;
    while (next < end) {
      const base = this.store.has(topic, next) ? next : this.store.baseAtOrAfter(topic, next);
      if (base === undefined) return { records, next: end }; // what was behind has been compacted away
      const block = this.store.block(topic, base);
      if (block === undefined) break;
      bytes += block.length;
      const isFull = records.length + blockHeader(base, block).count > BATCH_RECORDS || bytes > BATCH_BYTES;
      if (records.length > 0 && isFull) break;
      next = decodeBlock(topic, base, block, { from: next, records }).end;
    }
    return { records, next };
  }
}

/** Noted when blocks go, so that positions go on even when the last one went. */
export function endFact(topic: LogTopic): string {
  return `end/${topic}`;
}
