import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { pause, type Clock, type Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import { refusalOf } from '../../backlog.js';
import type { LogWriter, NewRecord, Settle } from '../../log-writer.js';
import type { LeaderView } from '../protocol/cluster-view.js';
import { partitionFor } from '../protocol/murmur2.js';
import { HashedKeys, type HashedKey } from './hashed-keys.js';
import { LeaderLane } from './leader-lane.js';
import { PartitionQueue, type PendingRecord, type Waiting } from './partition-queue.js';
import type { PartitionAnswer, Share } from '../protocol/produce.js';
import { codeName, isRefusal, NO_ERROR, reasonOf, unavailable } from '../protocol/protocol-codes.js';
import { StalledPartitions } from './stalled-partitions.js';
import { UnsettledRecords, type Overflow } from './unsettled-records.js';

const settledRecords = new Counter({
  name: 'fieldgate_kafka_records_total',
  help: 'Records whose append was settled, by outcome',
  labelNames: ['outcome'] as const,
});
const durable = settledRecords.labels('durable');
const refused = settledRecords.labels('refused');
const gaveUp = settledRecords.labels('unavailable');
const overflowed = settledRecords.labels('spooled');
const resends = new Counter({
  name: 'fieldgate_kafka_resent_records_total',
  help: 'Records sent again because their outcome was unknown; readers may see them twice',
});

/** An unanswered request is given up after this long: the broker is frozen, and the partitions may have another leader by now. */
const REQUEST_TIMEOUT_MS = 3_000;
/** Deadlines are kept to this part of themselves. */
const TICKS_PER_DEADLINE = 20;

export interface KafkaWriterOptions {
  readonly cluster: LeaderView;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an append may stay unsettled while brokers are away. */
  readonly deliveryTimeoutMs: number;
  /** The same, of what devices send. Default: as long as any append. */
  readonly ingestTimeoutMs?: number;
}

/**
 * Appends to Kafka with `acks: all`: a queue per partition, a lane per leader. A send whose outcome is unknown goes again, in order, until
 * its records are durable or out of time, so duplicates are possible and losses are not: a record is settled only by an answer
 * that names its partition.
 */
export class KafkaWriter implements LogWriter {
  private readonly queues = new Map<LogTopic, PartitionQueue[]>();
  private readonly keys = new HashedKeys();
  private readonly lanes = new Map<number, LeaderLane>();
  private readonly stopping = new AbortController();
  private readonly unsettled: UnsettledRecords;
  private readonly stalled: StalledPartitions;
  /** Deadlines are counted in ticks, so that a clock that is set neither hurries nor holds anything. */
  private tick = 0;
  private ticking: NodeJS.Timeout | undefined;
  private readonly tickMs: number;
  private overflow: Overflow | undefined;

  constructor(private readonly options: KafkaWriterOptions) {
    const { deliveryTimeoutMs, ingestTimeoutMs = deliveryTimeoutMs } = options;
    this.tickMs = Math.min(deliveryTimeoutMs, ingestTimeoutMs) / TICKS_PER_DEADLINE;
    this.unsettled = new UnsettledRecords((err, { topic }) =>
      options.logger.error({ err, topic }, 'whoever appended a record failed on its outcome'),
    );
    this.stalled = new StalledPartitions({
      cluster: options.cluster,
      logger: options.logger,
      signal: this.stopping.signal,
      release: (queue, leader) => this.laneOf(leader).offer(queue),
    });
  }

  /** From here on the partition of a key is known, and stays. */
  start(topics: Iterable<readonly [LogTopic, number]>): void {
    for (const [topic, partitions] of topics) {
      this.queues.set(
        topic,
        Array.from({ length: partitions }, (_, partition) => new PartitionQueue(topic, partition)),
      );
    }
  }

  /** Where what was ingested goes when the log does not answer in time. Without: it is settled as unavailable. */
  onOverflow(overflow: Overflow): void {
    this.overflow = overflow;
  }

  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean {
    return this.enqueue(record, settle as Settle, {
      waiting: 'timed',
      timestampMs: this.options.clock.now(),
    }); // it gets its own record back, no other
  }

  /** What devices send. */
  ingest(record: NewRecord, settle: Settle): boolean {
    return this.enqueue(record, settle, { waiting: 'ingest', timestampMs: this.options.clock.now() });
  }

  /** What has waited elsewhere since it came: it is never given up but when the log is closed. */
  deliver(record: NewRecord, timestampMs: number, settle: Settle): boolean {
    return this.enqueue(record, settle, { waiting: 'patient', timestampMs });
  }

  private enqueue(
    record: NewRecord,
    settle: Settle,
    { waiting, timestampMs }: { readonly waiting: Waiting; readonly timestampMs: number },
  ): boolean {
    const { topic, key, partitionKey, value } = record;
    const hashed = this.keys.of(key);
    const queue = this.queueOf(topic, partitionKey === undefined ? hashed : this.keys.of(partitionKey));
    if (queue === undefined || this.stopping.signal.aborted) {
      setImmediate(() => settle(unavailable('the log is not open'), undefined, record));
      return false;
    }
    const refusal = refusalOf(record);
    if (refusal) {
      refused.inc();
      setImmediate(() => settle(refusal, undefined, record));
      return true;
    }
    const bytes = hashed.bytes.length + (value?.length ?? 0);
    const pending: PendingRecord = {
      waiting,
      record,
      partition: queue.partition,
      key: hashed.bytes,
      value: value === null ? null : asBuffer(value),
      timestampMs,
      bytes,
      tick: this.tick,
      settle,
    };
    queue.push(pending);
    const isRoom = this.unsettled.add(pending);
    this.ticking ??= setInterval(() => this.expire(), this.tickMs);
    this.offer(queue);
    return isRoom;
  }

  drained(listener: () => void): void {
    this.unsettled.drained(listener);
  }

  partitionOf(topic: LogTopic, key: string): number {
    const queue = this.queueOf(topic, this.keys.of(key));
    if (queue === undefined) throw unavailable('the log is not open');
    return queue.partition;
  }

  problem(): string | undefined {
    return this.stalled.problem();
  }

  /** Waits until everything is settled, for at most `graceMs`; the rest then overflows, or is settled as unavailable. */
  async stop(graceMs: number): Promise<void> {
    const giveUp = new AbortController();
    await Promise.race([this.unsettled.untilEmpty(), pause(graceMs, giveUp.signal)]);
    giveUp.abort();
    this.stopping.abort();
    for (const lane of this.lanes.values()) lane.stop();
    const reason = 'the log was closed before the record was durable';
    for (const queue of this.allQueues()) {
      this.letOverflow(queue, reason);
      this.giveUp(queue, queue.unsettled('timed'), reason);
      this.giveUp(queue, queue.unsettled('patient'), reason);
    }
    clearInterval(this.ticking);
    this.ticking = undefined;
  }

  private allQueues(): readonly PartitionQueue[] {
    return [...this.queues.values()].flat();
  }

  private queueOf(topic: LogTopic, { hash }: HashedKey): PartitionQueue | undefined {
    const queues = this.queues.get(topic);
    return queues?.[partitionFor(hash, queues.length)];
  }

  private offer(queue: PartitionQueue): void {
    if (queue.isInFlight || queue.offered || this.stalled.has(queue)) return;
    const leader = this.options.cluster.leaderOf(queue.topic, queue.partition);
    if (leader === undefined) this.stalled.hold(queue, `${queue.topic}/${queue.partition} has no leader`);
    else this.laneOf(leader).offer(queue);
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
      this.stalled.succeeded();
      let offset = answer.baseOffset;
      let settled = 0;
      for (const record of records) {
        const at = { partition: queue.partition, offset: offset++ };
        if (this.unsettled.settle(record, undefined, at)) settled += 1; // durable from here
      }
      durable.inc(settled);
    } else if (!isRefusal(answer.code)) {
      return this.unknown(share, codeName(answer.code));
    } else if (records.length > 1) {
      queue.halve();
    } else {
      queue.leave();
      const error = new FieldgateError('record-refused', answer.detail ?? codeName(answer.code));
      for (const record of records) if (this.unsettled.settle(record, error)) refused.inc();
    }
    if (!queue.isEmpty) this.offer(queue);
  }

  private unknown({ queue, records }: Share, reason: string): void {
    resends.inc(records.length);
    queue.putBack();
    this.stalled.hold(queue, `${queue.topic}/${queue.partition}: ${reason}`);
  }

  private expire(): void {
    this.tick++;
    if (this.unsettled.isEmpty) {
      clearInterval(this.ticking);
      this.ticking = undefined;
      return;
    }
    const { deliveryTimeoutMs, ingestTimeoutMs = deliveryTimeoutMs } = this.options;
    const timedBefore = this.tick - deliveryTimeoutMs / this.tickMs;
    const ingestBefore = this.tick - ingestTimeoutMs / this.tickMs;
    const reason = this.problem() ?? 'the broker did not answer in time';
    for (const queue of this.allQueues()) {
      this.giveUp(queue, queue.unsettled('timed', timedBefore), reason);
      if (!isEmpty(queue.unsettled('ingest', ingestBefore))) this.letOverflow(queue, reason);
    }
  }

  /** All of the partition, also what has come just now: what stayed would be written before the older ones, which come again. */
  private letOverflow(queue: PartitionQueue, reason: string): void {
    if (!this.overflow) return this.giveUp(queue, queue.unsettled('ingest'), reason);
    const taken = this.unsettled.takeBack(queue);
    if (taken.length === 0) return;
    overflowed.inc(taken.length);
    this.note(queue, reason);
    this.overflow(queue.topic, queue.partition, taken);
  }

  private giveUp(queue: PartitionQueue, records: Iterable<PendingRecord>, reason: string): void {
    for (const record of records) {
      gaveUp.inc();
      this.note(queue, reason);
      this.unsettled.settle(record, unavailable(this.problem() ?? reason));
    }
    queue.noteSettled();
  }

  private note(queue: PartitionQueue, reason: string): void {
    if (this.problem() === undefined) this.stalled.failed(`${queue.topic}/${queue.partition}: ${reason}`);
  }
}

function isEmpty(records: Iterable<PendingRecord>): boolean {
  for (const _ of records) return false;
  return true;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
