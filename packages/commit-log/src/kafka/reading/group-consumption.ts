import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause, type Logger } from '@fieldgate/service';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { reportExpired } from '../../expired-records.js';
import type { BatchHandler, Consumption } from '../../log-reader.js';
import { recordsOf } from './fetched-message.js';
import { MembershipLease } from './membership-lease.js';
import { OffsetCommits, type GroupOffset } from './offset-commits.js';
import { PartitionDelivery, type GroupStart } from './partition-delivery.js';
import { reasonOf } from '../protocol/protocol-codes.js';

const MEMBERSHIP = {
  /** After this long without a heartbeat the others take over. */
  sessionTimeout: 8_000,
  /** A rebalance is noticed with the next heartbeat. */
  heartbeatInterval: 1_000,
  rebalanceTimeout: 20_000,
  /** Stopping waits for the fetch in flight (measured: 5 s with the client's default). */
  maxWaitTimeInMs: 500,
  /** What one fetch brings of a partition is one batch, and that one write to the store and one commit: with 256 KiB they cost a fifth more CPU. */
  maxBytesPerPartition: 1024 * 1024,
  maxBytes: 8 * 1024 * 1024,
} as const;
/** kafkajs fetches again only when all batches of a fetch are done; one that takes longer goes on beside it, its partition paused. */
const ASIDE_AFTER_MS = 200;
const ALL_PARTITIONS_AT_ONCE = 256;
/** After this long every member knows that a topic is another one, and what was committed is of the new one. */
const ANEW_MS = 60_000;
/** Requests whose good answer means that the coordinator counts us in from then on. */
const PROOFS = new Set(['Heartbeat', 'SyncGroup']);

/** A topic that was deleted and made again. */
interface AnewTopic {
  readonly seenAt: number;
  /** By partition: what we have passed of the new one, which is known to be of no old one. */
  readonly passed: Map<number, number>;
}

interface Membership {
  readonly consumer: Consumer;
  readonly commits: OffsetCommits;
  readonly lease: MembershipLease;
}

export interface GroupConsumptionOptions {
  readonly kafka: Kafka;
  readonly group: ConsumerGroup;
  readonly topics: readonly LogTopic[];
  readonly handle: BatchHandler;
  readonly failed: (error: unknown) => void;
  readonly startOf: (topic: LogTopic, partition: number, isDoubted: boolean) => Promise<GroupStart>;
  /** By partition; may fail while the log is away. */
  readonly committed: (topic: LogTopic) => Promise<ReadonlyMap<number, number>>;
  readonly logger: Logger;
}

/** One member of a consumer group for as long as it is wanted: when its client gives up, another one joins. */
export class GroupConsumption implements Consumption {
  private deliveries = new Map<string, PartitionDelivery>();
  /** By partition: its last work, under whatever assignment. */
  private readonly lastWork = new Map<string, Promise<void>>();
  /** Of the present generation, and only of that: a commit that it refuses is not tried again in the name of a later one. */
  private commitNow: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  /** Before the client could touch it: where an offset has expired, kafkajs commits a mark over it, and what was missed would show nowhere. */
  private lastCommitted: Promise<ReadonlyMap<LogTopic, ReadonlyMap<number, number>>> = Promise.resolve(
    new Map(),
  );
  private readonly anewTopics = new Map<LogTopic, AnewTopic>();
  private leave: () => void = () => undefined;
  private readonly stopping = new AbortController();
  private readonly abandoned = new AbortController();
  private member: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(private readonly options: GroupConsumptionOptions) {}

  start(): void {
    this.member = this.stayMember();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.member;
  }

  /** Whoever stops it waits no longer: what is in hand comes again, to another member. */
  abandon(): void {
    this.abandoned.abort();
  }

  /**
   * The client would go on in the new topic at its offsets of the old one, and so would we; what lies before them would be read by nobody. So
   * the membership ends, and the next ones begin at the beginning, or where we have come to since, whatever is committed.
   */
  topicIsAnew(topic: LogTopic): void {
    if (!this.options.topics.includes(topic)) return;
    this.options.logger.warn(
      { group: this.options.group, topic },
      'topic was made again, it is read from its beginning',
    );
    this.anewTopics.set(topic, { seenAt: performance.now(), passed: new Map() });
    this.leave();
  }

  private async stayMember(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const startedAt = performance.now();
      await this.oneMembership();
      if (performance.now() - startedAt > MEMBERSHIP.sessionTimeout) attempt = 0;
      if (!signal.aborted) await pause(backOffMs(attempt), signal);
    }
  }

  /** From joining until the client crashes or the consumption stops. Never rejects. */
  private async oneMembership(): Promise<void> {
    const { kafka, group, topics, logger } = this.options;
    const consumer = kafka.consumer({
      groupId: group,
      ...MEMBERSHIP,
      retry: { retries: 5, restartOnFailure: () => Promise.resolve(false) }, // another member joins instead
    });
    const commits = new OffsetCommits(
      (offsets) => this.commit(consumer, offsets),
      (error) => logger.debug({ group, reason: reasonOf(error) }, 'offsets are not committed yet'),
    );
    const lease = new MembershipLease(MEMBERSHIP.sessionTimeout, () => performance.now());
    consumer.on(consumer.events.REQUEST, ({ payload: { apiName, sentAt } }) => {
      if (PROOFS.has(apiName)) lease.answered(Date.now() - sentAt);
    });
    consumer.on(consumer.events.HEARTBEAT, () => lease.renew());
    const crashed = new Promise<void>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        logger.warn({ group, reason: payload.error.message }, 'consumer group member joins again');
        resolve();
      });
    });
    const left = new Promise<void>((resolve) => (this.leave = resolve));
    consumer.on(consumer.events.REBALANCING, () => {
      this.loseAll(commits);
      this.noteCommitted();
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      lease.renew();
      this.assign(payload.memberAssignment, { consumer, commits, lease });
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      this.noteCommitted();
      await Promise.race([this.lastCommitted, aborted(this.stopping.signal)]);
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: ALL_PARTITIONS_AT_ONCE,
        eachBatch: (payload) => this.take(payload),
      });
      await Promise.race([crashed, left, aborted(this.stopping.signal)]);
    } catch (error) {
      logger.warn({ group, reason: reasonOf(error) }, 'consumer group member cannot join yet');
    }
    await this.finish(consumer, commits);
  }

  /** Stops after the batches in hand, commits what they did, and leaves. */
  private async finish(consumer: Consumer, commits: OffsetCommits): Promise<void> {
    if (this.stopping.signal.aborted && !this.ended) {
      for (const delivery of this.deliveries.values()) delivery.end();
      const idle = Promise.all([...this.deliveries.values()].map(({ idle }) => idle));
      await Promise.race([idle.then(() => commits.flush()), aborted(this.abandoned.signal)]);
    }
    this.loseAll(commits);
    this.commitNow = undefined;
    await consumer.disconnect().catch((error: unknown) => {
      this.options.logger.debug({ reason: reasonOf(error) }, 'consumer group member left without a word');
    });
  }

  private assign(
    partitions: Readonly<Record<string, readonly number[]>>,
    { consumer, commits, lease }: Membership,
  ): void {
    const { group, topics, logger } = this.options;
    for (const [key, { idle }] of this.deliveries) this.lastWork.set(key, idle);
    this.loseAll(commits);
    this.deliveries = new Map();
    consumer.resume(consumer.paused()); // by work that was set aside under the last assignment
    for (const topic of topics) {
      const anew = this.anewTopic(topic);
      for (const partition of partitions[topic] ?? []) {
        const key = `${topic}/${partition}`;
        if (anew) consumer.seek({ topic, partition, offset: String(anew.passed.get(partition) ?? 0) });
        const dependencies = {
          handle: this.options.handle,
          start: (isDoubted: boolean) => this.startOf({ topic, partition }, isDoubted, anew),
          expired: (from: number, earliest: number) =>
            reportExpired(logger, { group, topic, partition, from, earliest }),
          cut: (from: number, end: number) =>
            logger.warn({ group, topic, partition, from, end }, 'topic ends before the place of its group'),
          commit: (offset: number) => {
            anew?.passed.set(partition, offset);
            return commits.commit({ topic, partition, offset });
          },
          failed: (error: unknown) => this.fail(error),
          isMember: () => lease.isFresh(),
        };
        const last = this.lastWork.get(key) ?? Promise.resolve();
        this.deliveries.set(key, new PartitionDelivery(topic, partition, dependencies, last));
      }
    }
  }

  private async startOf(
    { topic, partition }: { readonly topic: LogTopic; readonly partition: number },
    isDoubted: boolean,
    anew?: AnewTopic,
  ): Promise<GroupStart> {
    const before = (await this.lastCommitted).get(topic)?.get(partition);
    const { committed = before, ...start } = await this.options.startOf(topic, partition, isDoubted);
    return anew === undefined
      ? { ...start, committed }
      : { ...start, committed: anew.passed.get(partition), isAnew: true };
  }

  private anewTopic(topic: LogTopic): AnewTopic | undefined {
    const anew = this.anewTopics.get(topic);
    return anew && performance.now() - anew.seenAt < ANEW_MS ? anew : undefined;
  }

  private noteCommitted(): void {
    const { topics, committed } = this.options;
    this.lastCommitted = Promise.all(
      topics.map(async (topic) => [topic, await committed(topic)] as const),
    ).then(
      (offsets) => new Map(offsets),
      () => new Map(), // the log is away, and says so by itself
    );
  }

  private loseAll(commits: OffsetCommits): void {
    for (const delivery of this.deliveries.values()) delivery.lose();
    commits.forget();
  }

  /**
   * `consumer.commitOffsets` tries a lost request again by itself, up to seconds later, and then with the generation of that moment: after a
   * rebalance it would move the offset of a partition that is somebody else's. It serves only until the first batch has come.
   */
  private commit(consumer: Consumer, offsets: readonly GroupOffset[]): Promise<void> {
    if (this.commitNow === undefined) return consumer.commitOffsets(offsets.map(toCommit));
    return this.commitNow({
      topics: this.options.topics
        .map((topic) => ({ topic, partitions: offsets.filter((each) => each.topic === topic).map(toCommit) }))
        .filter(({ partitions }) => partitions.length > 0),
    });
  }

  private async take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.commitNow = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const delivery = this.deliveries.get(`${batch.topic}/${batch.partition}`);
    if (delivery === undefined || this.stopping.signal.aborted) return;
    const nextOffset = Number(batch.lastOffset()) + 1;
    const done = delivery.deliver(() => recordsOf(batch, delivery.topic), nextOffset);
    const inTime = new AbortController();
    const settled = done.finally(() => inTime.abort());
    await pause(ASIDE_AFTER_MS, inTime.signal);
    if (inTime.signal.aborted) return;
    const resume = payload.pause();
    void settled.finally(resume);
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    for (const delivery of this.deliveries.values()) delivery.lose();
    this.stopping.abort();
    this.options.failed(error);
  }
}

function toCommit({ topic, partition, offset }: GroupOffset): {
  topic: string;
  partition: number;
  offset: string;
} {
  return { topic, partition, offset: String(offset) };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
