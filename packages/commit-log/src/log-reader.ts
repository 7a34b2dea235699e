import type { ConsumerGroup, ErrorCode, LogTopic } from '@fieldgate/contracts';
import type { LogRecord } from './log-record.js';

/** One member's hold on one partition, from its assignment to its loss. A new assignment is a new object. */
export interface PartitionAssignment {
  readonly topic: LogTopic;
  readonly partition: number;
  /** False once the partition has moved elsewhere or the consumption has stopped: what was kept for it is void. */
  isHeld(): boolean;
  /**
   * True while no other member can have the partition. False although `isHeld` for a member that has not heard of its group for a session
   * timeout (frozen, cut off): another one may be at work. Ask it before an effect that must not happen twice.
   */
  isAlone(): boolean;
  /**
   * True when the topic has been made again a moment ago, and the group has passed nothing of the new one yet, or when the log has lost what the
   * group had passed: what was kept for offsets is of what was there before.
   */
  isAnew?(): boolean;
}

/**
 * Records of one partition in the order of the log. The first batch after an assignment comes at once, even when it is empty, so that a
 * handler can build what it keeps per partition.
 */
export interface LogBatch {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly records: readonly LogRecord[];
  readonly assignment: PartitionAssignment;
  /** The offset that this batch starts from: everything of this partition before it has been handled by the group (or has expired). */
  readonly from: number;
}

/** What became of a batch, by the indices of its records. What is named nowhere was handled. */
export interface BatchOutcome {
  /** Refused for good: the caller (`processors/delivery`) writes the dead letters before the outcome is given. */
  readonly refused: readonly { readonly index: number; readonly code: ErrorCode; readonly detail: string }[];
  /** Comes again after a pause. Offsets stop before the first of these, so what follows it may come again too. */
  readonly retry: readonly number[];
}

export const HANDLED: BatchOutcome = { refused: [], retry: [] };

export type BatchHandler = (batch: LogBatch) => Promise<BatchOutcome>;

export interface Consumption {
  /** Stops after the batches in hand; what was handled is committed. May be called twice. */
  stop(): Promise<void>;
}

/** Where `follow` begins: in every partition, or at given offsets (partitions that are not named: earliest). */
export type FollowStart = 'earliest' | 'latest' | ReadonlyMap<number, number>;

/** Of one partition: the first offset that is kept, and the offset that the next append will get. */
export interface PartitionBounds {
  readonly partition: number;
  readonly earliest: number;
  readonly end: number;
}

/** A `follow` that runs. */
export interface Follow {
  readonly topic: LogTopic;
  /** Everything before it has been handed over; undefined until it is decided where the follow begins. */
  nextOffset(partition: number): number | undefined;
}

export interface LogReader {
  /**
   * One member of a consumer group, which starts where the group left off (a new group: at the earliest record). Batches of one partition come
   * one after another, those of different partitions side by side. Offsets are committed after the handler, past what it handled or refused;
   * `retry` comes again after a pause with back-off and blocks its partition, and no other. A handler that throws a retriable
   * FieldgateError has asked for a retry of the whole batch; any other error ends the consumption and is reported through `failed`.
   * While the log is away the reader waits and goes on by itself. Delivery is at least once.
   */
  consume(
    group: ConsumerGroup,
    topics: readonly LogTopic[],
    handle: BatchHandler,
    failed: (error: unknown) => void,
  ): Promise<Consumption>;

  /**
   * Without a group: every record of all partitions from a start on, in order per partition, then live. Nothing is committed. `handle` is
   * synchronous and must not throw: an error ends the follow and is reported through `failed`. `reached` (when given) is called after
   * every batch, and also when there was nothing to hand over, with the next offset of that partition.
   */
  follow(
    topic: LogTopic,
    start: FollowStart,
    handle: (records: readonly LogRecord[]) => void,
    options: { failed: (error: unknown) => void; reached?: (partition: number, nextOffset: number) => void },
  ): Promise<Consumption>;

  /** All that run now, for whoever watches over them. */
  follows(): readonly Follow[];

  /** The records of one partition from `from` (inclusive) to `to` (exclusive), in order; ends early at the end of the log, and nowhere else. */
  read(
    topic: LogTopic,
    range: { readonly partition: number; readonly from: number; readonly to: number },
  ): AsyncIterable<LogRecord>;

  /** All partitions of a topic, as of now. */
  bounds(topic: LogTopic): Promise<readonly PartitionBounds[]>;

  /** The partition that records with this key (or partition key) are in. */
  partitionOf(topic: LogTopic, key: string): number;

  /** By partition: the offset before which the group has handled everything. Without the partitions where it has committed nothing yet. */
  committed(group: ConsumerGroup, topic: LogTopic): Promise<ReadonlyMap<number, number>>;

  /** The newest record that has been appended by anyone and the group has not passed yet, summed over partitions; for the lag metric. */
  lag(group: ConsumerGroup, topic: LogTopic): Promise<number>;
}
