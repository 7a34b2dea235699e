import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause, type Clock, type Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { LogPosition } from '../log-record.js';
import type { LogWriter, NewRecord, Settle } from '../log-writer.js';
import type { ClusterView } from './cluster-view.js';
import { LeaderLane } from './leader-lane.js';
import { partitionFor } from './murmur2.js';
import { PartitionQueue, type PendingRecord } from './partition-queue.js';
import type { PartitionAnswer, Share } from './produce.js';
import { codeName, isRefusal, NO_ERROR, reasonOf, unavailable } from './protocol-codes.js';

const appendedRecords = new Counter({
  name: 'fieldgate_kafka_records_total',
  help: 'Records whose append was settled, by outcome',
  labelNames: ['outcome'] as const,
});
const durable = appendedRecords.labels('durable');
const refused = appendedRecords.labels('refused');
const gaveUp = appendedRecords.labels('unavailable');
const resends = new Counter({
  name: 'fieldgate_kafka_resent_records_total',
  help: 'Records sent again because their outcome was unknown; readers may see them twice',
});

/** The default of a topic's `max.message.bytes`, less what the batch and record headers need. */
const MAX_RECORD_BYTES = 1024 * 1024 - 256;
/** Above this much, `append` returns false. */
const MAX_WAITING_RECORDS = 10_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** An unanswered request is given up after this long: the broker is frozen, and the partitions may have another leader by now. */
const REQUEST_TIMEOUT_MS = 3_000;
const LONGEST_PAUSE_MS = 1_000;
const TICKS_PER_DELIVERY = 20;

export interface KafkaWriterOptions {
  readonly cluster: ClusterView;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an append may stay unsettled while brokers are away. */
  readonly deliveryTimeoutMs: number;
}

/**
 * Appends to Kafka with `acks: all`: a queue per partition, a lane per leader. A send whose outcome is unknown goes again, in order, until
 * its records are durable or out of time, so duplicates are possible and losses are not: a record is settled only by an answer
 * that names its partition.
 */
export class KafkaWriter implements LogWriter {
  private readonly queues = new Map<LogTopic, PartitionQueue[]>();
  private readonly lanes = new Map<number, LeaderLane>();
  private readonly stalled = new Set<PartitionQueue>();
  private readonly drainListeners: (() => void)[] = [];
  private readonly stopping = new AbortController();
  private recovering = false;
  private started = false;
  private waitingRecords = 0;
  private waitingBytes = 0;
  private tick = 0;
  private ticking: NodeJS.Timeout | undefined;
  private failure: string | undefined;
  private emptied: (() => void) | undefined;

  constructor(private readonly options: KafkaWriterOptions) {}

  /** From here on the partition of a key is known, and stays. */
  start(topics: Iterable<readonly [LogTopic, number]>): void {
    for (const [topic, partitions] of topics) {
      this.queues.set(
        topic,
        Array.from({ length: partitions }, (_, partition) => new PartitionQueue(topic, partition)),
      );
    }
    this.started = true;
  }

  append({ topic, key, partitionKey, value }: NewRecord, settle: Settle): boolean {
    if (!this.started || this.stopping.signal.aborted) {
      setImmediate(settle, unavailable('the log is not open'));
      return false;
    }
    const keyBytes = Buffer.from(key);
    const bytes = keyBytes.length + (value?.length ?? 0);
    if (bytes > MAX_RECORD_BYTES) {
      refused.inc();
      setImmediate(
        settle,
        new FieldgateError('record-refused', `the record has ${bytes} bytes, at most ${MAX_RECORD_BYTES}`),
      );
      return !this.isFull();
    }
    const queue = this.queueOf(topic, partitionKey === undefined ? keyBytes : Buffer.from(partitionKey));
    queue.push({
      topic,
      partition: queue.partition,
      key: keyBytes,
      value: value === null ? null : asBuffer(value),
      timestampMs: this.options.clock.now(),
      bytes,
      tick: this.tick,
      settle,
    });
    this.waitingRecords++;
    this.waitingBytes += bytes;
    this.ticking ??= setInterval(() => this.expire(), this.options.deliveryTimeoutMs / TICKS_PER_DELIVERY);
    this.offer(queue);
    return !this.isFull();
  }

  drained(listener: () => void): void {
    this.drainListeners.push(listener);
    if (this.isHalfEmpty()) setImmediate(() => this.tellDrained());
  }

  partitionOf(topic: LogTopic, key: string): number {
    return this.queueOf(topic, Buffer.from(key)).partition;
  }

  problem(): string | undefined {
    return this.failure;
  }

  /** Waits until everything is settled, for at most `graceMs`; the rest is then settled as unavailable. */
  async stop(graceMs: number): Promise<void> {
    if (this.waitingRecords > 0 && !this.stopping.signal.aborted) {
      const emptied = new Promise<void>((resolve) => (this.emptied = resolve));
      const giveUp = new AbortController();
      await Promise.race([emptied, pause(graceMs, giveUp.signal)]);
      giveUp.abort();
    }
    this.stopping.abort();
    for (const lane of this.lanes.values()) lane.stop();
    this.giveUpBefore(Number.MAX_SAFE_INTEGER, 'the log was closed before the record was durable');
    clearInterval(this.ticking);
    this.ticking = undefined;
  }

  private queueOf(topic: LogTopic, key: Buffer): PartitionQueue {
    const queues = this.queues.get(topic);
    const queue = queues?.[partitionFor(key, queues.length)];
    if (queue === undefined) throw unavailable('the log is not open');
    return queue;
  }

  private offer(queue: PartitionQueue): void {
    if (queue.isInFlight || queue.offered || this.stalled.has(queue)) return;
    const leader = this.options.cluster.leaderOf(queue.topic, queue.partition);
    if (leader === undefined) return this.stall(queue, `${queue.topic}/${queue.partition} has no leader`);
    this.laneOf(leader).offer(queue);
  }

  private laneOf(nodeId: number): LeaderLane {
    let lane = this.lanes.get(nodeId);
    if (lane === undefined) {
      const open = () => this.options.cluster.open(nodeId, REQUEST_TIMEOUT_MS + 500); // the broker's own timeout comes first, and says which partition
      lane = new LeaderLane(open, REQUEST_TIMEOUT_MS, {
        answered: (share, answer) => this.answered(share, answer),
        unanswered: (shares, error) => {
          for (const share of shares) this.unknown(share, reasonOf(error));
        },
      });
      this.lanes.set(nodeId, lane);
    }
    return lane;
  }

  private answered(share: Share, answer: PartitionAnswer | undefined): void {
    const { queue, records } = share;
    if (answer === undefined) return this.unknown(share, 'the answer does not name the partition'); // acknowledged by silence is how records get lost
    if (answer.code === NO_ERROR) {
      queue.leave();
      this.recovered();
      durable.inc(records.length);
      let offset = answer.baseOffset;
      for (const record of records) {
        this.settle(record, undefined, { partition: queue.partition, offset: offset++ }); // durable from here
      }
    } else if (!isRefusal(answer.code)) {
      return this.unknown(share, codeName(answer.code));
    } else if (records.length > 1) {
      queue.halve();
    } else {
      queue.leave();
      refused.inc();
      const error = new FieldgateError('record-refused', answer.detail ?? codeName(answer.code));
      for (const record of records) this.settle(record, error);
    }
    if (!queue.isEmpty) this.offer(queue);
    this.afterSettling();
  }

  private unknown({ queue, records }: Share, reason: string): void {
    resends.inc(records.length);
    queue.putBack();
    this.stall(queue, `${queue.topic}/${queue.partition}: ${reason}`);
  }

  /** A partition without a way to its leader waits here, alone, until the cluster has told where the leader is. */
  private stall(queue: PartitionQueue, reason: string): void {
    if (this.stopping.signal.aborted) return;
    if (this.failure === undefined) this.options.logger.warn({ reason }, 'appends are held back');
    this.failure = reason;
    this.stalled.add(queue);
    if (!this.recovering) void this.recover();
  }

  private async recover(): Promise<void> {
    this.recovering = true;
    const { cluster } = this.options;
    while (this.stalled.size > 0 && !this.stopping.signal.aborted) {
      const failures = Math.min(...[...this.stalled].map((queue) => queue.failures));
      await pause(Math.min(LONGEST_PAUSE_MS, backOffMs(failures) / 2), this.stopping.signal);
      try {
        await cluster.refresh();
      } catch (error) {
        this.failure = reasonOf(error);
        for (const queue of this.stalled) queue.failures++;
        continue;
      }
      for (const queue of this.stalled) {
        queue.dropSettled();
        const leader = cluster.leaderOf(queue.topic, queue.partition);
        if (leader === undefined) {
          queue.failures++;
          continue;
        }
        this.stalled.delete(queue);
        if (!queue.isEmpty) this.laneOf(leader).offer(queue);
      }
      if (this.waitingRecords === 0) this.recovered(); // nothing is left that could show it
    }
    this.recovering = false;
  }

  private recovered(): void {
    if (this.failure === undefined || this.stalled.size > 0) return;
    this.failure = undefined;
    this.options.logger.info('appends go on');
  }

  private expire(): void {
    this.tick++;
    if (this.waitingRecords === 0) {
      clearInterval(this.ticking);
      this.ticking = undefined;
      return;
    }
    this.giveUpBefore(this.tick - TICKS_PER_DELIVERY, this.failure ?? 'the broker did not answer in time');
  }

  private giveUpBefore(tick: number, reason: string): void {
    for (const queue of [...this.queues.values()].flat()) {
      for (const record of queue.appendedBefore(tick)) {
        gaveUp.inc();
        this.settle(record, unavailable(reason));
      }
      queue.dropSettled();
    }
    this.afterSettling();
  }

  private settle(record: PendingRecord, error?: FieldgateError, at?: LogPosition): void {
    const { settle } = record;
    if (settle === undefined) return; // it ran out of time before
    record.settle = undefined;
    this.waitingRecords--;
    this.waitingBytes -= record.bytes;
    settle(error, at);
  }

  private afterSettling(): void {
    if (this.drainListeners.length > 0 && this.isHalfEmpty()) this.tellDrained();
    if (this.waitingRecords === 0) this.emptied?.();
  }

  private tellDrained(): void {
    for (const listener of this.drainListeners.splice(0)) listener();
  }

  private isFull(): boolean {
    return this.waitingRecords > MAX_WAITING_RECORDS || this.waitingBytes > MAX_WAITING_BYTES;
  }

  private isHalfEmpty(): boolean {
    return this.waitingRecords <= MAX_WAITING_RECORDS / 2 && this.waitingBytes <= MAX_WAITING_BYTES / 2;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
