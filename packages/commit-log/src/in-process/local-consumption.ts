import { FieldgateError, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import type { ExpiredRange } from '../expired-records.js';
import type {
  BatchHandler,
  BatchOutcome,
  Consumption,
  LogBatch,
  PartitionAssignment,
} from '../log-reader.js';
import type { LogRecord } from '../log-record.js';
import type { LocalPartitions } from './local-partitions.js';
import type { PartitionTurns } from './partition-turns.js';
import { eventLoopTurn } from './event-loop-turn.js';

interface Member {
  readonly group: ConsumerGroup;
  readonly handle: BatchHandler;
  readonly failed: (error: unknown) => void;
  readonly expired: (range: ExpiredRange) => void;
}

/** One member of a consumer group: a loop per partition, which hands over, commits, and waits for more. */
export class LocalConsumption implements Consumption {
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly assignments = new Set<Assignment>();
  private hasFailed = false;
  private reportEnd: () => void = () => undefined;
  /** Resolves when the last loop has ended after `stop`, or after a failure. */
  readonly ended = new Promise<void>((resolve) => (this.reportEnd = resolve));

  constructor(
    private readonly log: LocalPartitions,
    private readonly turns: PartitionTurns,
    private readonly member: Member,
  ) {}

  begin(topic: LogTopic, partition: number): void {
    this.loops.push(this.run(topic, partition).catch((error: unknown) => this.fail(error)));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    await this.log.offsets.flush();
    this.reportEnd();
  }

  private async run(topic: LogTopic, partition: number): Promise<void> {
    const letGo = await this.turns.take(`${this.member.group}/${topic}/${partition}`, this.stopping.signal);
    if (letGo === undefined) return;
    const assignment = new Assignment(topic, partition);
    this.assignments.add(assignment);
    try {
      await this.handOver(assignment);
    } finally {
      assignment.held = false;
      this.assignments.delete(assignment);
      letGo();
    }
  }

  private async handOver(assignment: Assignment): Promise<void> {
    const { topic, partition } = assignment;
    const { group } = this.member;
    const { signal } = this.stopping;
    let from = this.log.offsets.get(group, topic, partition) ?? this.log.earliest(topic, partition);
    let isFirst = true;
    let attempt = 0;
    while (!signal.aborted) {
      const earliest = this.log.earliest(topic, partition);
      if (from < earliest) {
        this.member.expired({ group, topic, partition, from, earliest });
        from = earliest;
        this.log.offsets.keep(group, topic, partition, from); // told once
      }
      const { records, next } = this.log.take(topic, partition, from);
      if (records.length === 0 && !isFirst) {
        from = next;
        await this.log.tail.next(topic, partition, signal);
        continue;
      }
      isFirst = false;
      const again = await this.handled({ topic, partition, records, assignment, from });
      if (again !== undefined && again > from) attempt = 0; // some of it was handled: not the same record again
      from = again ?? next;
      this.log.offsets.keep(group, topic, partition, from);
      if (again === undefined) attempt = 0;
      await (again === undefined ? eventLoopTurn() : pause(backOffMs(attempt++), signal));
    }
  }

  /** The offset from which on the batch is to come again; undefined when it has been handled. */
  private async handled(batch: LogBatch): Promise<number | undefined> {
    try {
      return firstRetry(batch.records, await this.member.handle(batch));
    } catch (error) {
      if (error instanceof FieldgateError && error.retriable) return batch.from;
      throw error;
    }
  }

  /** Ends the other partitions too, and is reported once. */
  private fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.stopping.abort();
    for (const assignment of this.assignments) assignment.held = false;
    this.reportEnd();
    this.member.failed(error);
  }
}

class Assignment implements PartitionAssignment {
  held = true;

  constructor(
    readonly topic: LogTopic,
    readonly partition: number,
  ) {}

  isHeld(): boolean {
    return this.held;
  }

  isAlone(): boolean {
    return this.held; // the next one gets the partition only when this one has let go
  }
}

function firstRetry(records: readonly LogRecord[], outcome: BatchOutcome): number | undefined {
  if (outcome.retry.length === 0) return undefined;
  const index = outcome.retry.reduce((least, each) => Math.min(least, each));
  const record = records[index];
  if (record === undefined) throw new Error(`the handler wants record ${index} of ${records.length} again`);
  return record.offset;
}
