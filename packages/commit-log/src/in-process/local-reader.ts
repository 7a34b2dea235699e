import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import type { ExpiredRange } from '../expired-records.js';
import type {
  BatchHandler,
  Consumption,
  Follow,
  FollowStart,
  LogReader,
  PartitionBounds,
} from '../log-reader.js';
import type { LogRecord } from '../log-record.js';
import { LocalConsumption } from './local-consumption.js';
import { LocalFollow } from './local-follow.js';
import type { LocalPartitions } from './local-partitions.js';
import { PartitionTurns } from './partition-turns.js';

/** The reading half of a log that lives in this very process. */
export class LocalReader implements LogReader {
  private readonly turns = new PartitionTurns();
  private readonly running = new Set<LocalConsumption | LocalFollow>();

  constructor(
    private readonly log: LocalPartitions,
    private readonly expired: (range: ExpiredRange) => void,
  ) {}

  async consume(
    group: ConsumerGroup,
    topics: readonly LogTopic[],
    handle: BatchHandler,
    failed: (error: unknown) => void,
  ): Promise<Consumption> {
    const consumption = new LocalConsumption(this.log, this.turns, {
      group,
      handle,
      failed,
      expired: this.expired,
    });
    for (const topic of topics)
      for (let partition = 0; partition < this.log.count(topic); partition += 1)
        consumption.begin(topic, partition);
    return this.keep(consumption);
  }

  async follow(
    topic: LogTopic,
    start: FollowStart,
    handle: (records: readonly LogRecord[]) => void,
    options: { failed: (error: unknown) => void; reached?: (partition: number, nextOffset: number) => void },
  ): Promise<Consumption> {
    const follow = new LocalFollow(this.log, topic, { handle, ...options });
    for (let partition = 0; partition < this.log.count(topic); partition += 1)
      follow.begin(partition, this.startOf(topic, partition, start));
    return this.keep(follow);
  }

  follows(): readonly Follow[] {
    return [...this.running].filter(
      (consumption): consumption is LocalFollow => consumption instanceof LocalFollow,
    );
  }

  async *read(
    topic: LogTopic,
    range: { readonly partition: number; readonly from: number; readonly to: number },
  ): AsyncIterable<LogRecord> {
    let from = range.from;
    while (from < range.to) {
      const { records, next } = this.log.take(topic, range.partition, from);
      for (const record of records) {
        if (record.offset >= range.to) return;
        yield record;
      }
      if (records.length === 0) return;
      from = next;
    }
  }

  async bounds(topic: LogTopic): Promise<readonly PartitionBounds[]> {
    return Array.from({ length: this.log.count(topic) }, (_, partition) => ({
      partition,
      earliest: this.log.earliest(topic, partition),
      end: this.log.end(topic, partition),
    }));
  }

  partitionOf(topic: LogTopic, key: string): number {
    return this.log.partitionOf(topic, key);
  }

  async committed(group: ConsumerGroup, topic: LogTopic): Promise<ReadonlyMap<number, number>> {
    const committed = new Map<number, number>();
    for (let partition = 0; partition < this.log.count(topic); partition += 1) {
      const offset = this.log.offsets.get(group, topic, partition);
      if (offset !== undefined) committed.set(partition, offset);
    }
    return committed;
  }

  async lag(group: ConsumerGroup, topic: LogTopic): Promise<number> {
    let lag = 0;
    for (const { partition, earliest, end } of await this.bounds(topic)) {
      const passed = this.log.offsets.get(group, topic, partition) ?? earliest;
      lag += Math.max(0, end - Math.max(passed, earliest));
    }
    return lag;
  }

  /** Ends every consumption; what was handled is on disk afterwards. */
  async stop(): Promise<void> {
    await Promise.all([...this.running].map((consumption) => consumption.stop()));
  }

  private startOf(topic: LogTopic, partition: number, start: FollowStart): number {
    if (start === 'latest') return this.log.end(topic, partition);
    const named = start === 'earliest' ? undefined : start.get(partition);
    return named ?? this.log.earliest(topic, partition);
  }

  private keep(consumption: LocalConsumption | LocalFollow): Consumption {
    this.running.add(consumption);
    void consumption.ended.then(() => this.running.delete(consumption));
    return consumption;
  }
}
