import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';
import type { Kafka } from 'kafkajs';
import type {
  BatchHandler,
  Consumption,
  Follow,
  FollowStart,
  LogReader,
  PartitionBounds,
} from '../../log-reader.js';
import type { LogRecord } from '../../log-record.js';
import type { ClusterView } from '../protocol/cluster-view.js';
import { GroupConsumption } from './group-consumption.js';
import { committedOffsets, partitionBounds, topicBounds } from '../protocol/log-offsets.js';
import type { GroupStart } from './partition-delivery.js';
import { unavailable } from '../protocol/protocol-codes.js';
import { readRange } from './read-range.js';
import { TopicFollow } from './topic-follow.js';

/** Of a partition that was added, and that only kafkajs has heard of. */
const UNKNOWN_BOUNDS = { earliest: 0, end: Number.MAX_SAFE_INTEGER };

export interface KafkaReaderOptions {
  readonly cluster: ClusterView;
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly partitionOf: (topic: LogTopic, key: string) => number;
}

/** Groups through kafkajs; follows, ranges and offsets by direct questions to the leaders, which is a matter of milliseconds. */
export class KafkaReader implements LogReader {
  private readonly consumptions = new Set<GroupConsumption | TopicFollow>();
  private stopped = false;

  constructor(private readonly options: KafkaReaderOptions) {
    options.cluster.onTopicAnew((topic) => {
      for (const consumption of this.consumptions) consumption.topicIsAnew(topic);
    });
  }

  consume(
    group: ConsumerGroup,
    topics: readonly LogTopic[],
    handle: BatchHandler,
    failed: (error: unknown) => void,
  ): Promise<Consumption> {
    if (this.stopped) return Promise.reject(unavailable('the log is closed'));
    const { kafka, logger, cluster } = this.options;
    const startOf = (topic: LogTopic, partition: number, isDoubted: boolean): Promise<GroupStart> =>
      this.startOf(group, { topic, partition }, isDoubted);
    const consumption = new GroupConsumption({
      kafka,
      group,
      topics,
      handle,
      failed,
      startOf,
      committed: (topic) => committedOffsets(cluster, group, topic),
      logger,
    });
    consumption.start();
    return Promise.resolve(this.keep(consumption));
  }

  async follow(
    topic: LogTopic,
    start: FollowStart,
    handle: (records: readonly LogRecord[]) => void,
    options: { failed: (error: unknown) => void; reached?: (partition: number, nextOffset: number) => void },
  ): Promise<Consumption> {
    if (this.stopped) throw unavailable('the log is closed');
    const follow = new TopicFollow(this.options.cluster, topic, { handle, ...options });
    const kept = this.keep(follow);
    await follow.start(start);
    return kept;
  }

  follows(): readonly Follow[] {
    return [...this.consumptions].filter(
      (consumption): consumption is TopicFollow => consumption instanceof TopicFollow && !consumption.stopped,
    );
  }

  read(
    topic: LogTopic,
    range: { readonly partition: number; readonly from: number; readonly to: number },
  ): AsyncIterable<LogRecord> {
    return readRange(this.options.cluster, topic, range);
  }

  bounds(topic: LogTopic): Promise<readonly PartitionBounds[]> {
    return topicBounds(this.options.cluster, topic);
  }

  partitionOf(topic: LogTopic, key: string): number {
    return this.options.partitionOf(topic, key);
  }

  committed(group: ConsumerGroup, topic: LogTopic): Promise<ReadonlyMap<number, number>> {
    return committedOffsets(this.options.cluster, group, topic);
  }

  async lag(group: ConsumerGroup, topic: LogTopic): Promise<number> {
    const { cluster } = this.options;
    const [bounds, committed] = await Promise.all([
      topicBounds(cluster, topic),
      committedOffsets(cluster, group, topic),
    ]);
    return bounds.reduce((sum, { partition, earliest, end }) => {
      const passed = Math.max(earliest, committed.get(partition) ?? earliest);
      return sum + Math.max(0, end - passed);
    }, 0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.consumptions].map((consumption) => consumption.stop()));
  }

  /** After a `stop` that took too long: members leave without what is in hand. */
  abandon(): void {
    for (const consumption of this.consumptions)
      if (consumption instanceof GroupConsumption) consumption.abandon();
  }

  /** Where a group goes on in one partition. `isDoubted`: the leader may have moved away from whom it is asked of. */
  private async startOf(
    group: ConsumerGroup,
    { topic, partition }: { readonly topic: LogTopic; readonly partition: number },
    isDoubted: boolean,
  ): Promise<GroupStart> {
    const { cluster } = this.options;
    if (isDoubted) await cluster.refresh();
    const committed = (await committedOffsets(cluster, group, topic)).get(partition);
    // behind it: the group goes on, and commits no more than there is
    const { earliest, end } = (await partitionBounds(cluster, topic, partition)) ?? UNKNOWN_BOUNDS;
    return { earliest, end, committed };
  }

  private keep(consumption: GroupConsumption | TopicFollow): Consumption {
    this.consumptions.add(consumption);
    return {
      stop: async () => {
        await consumption.stop();
        this.consumptions.delete(consumption);
      },
    };
  }
}
