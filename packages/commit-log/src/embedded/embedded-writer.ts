import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import type { Clock } from '@fieldgate/service';
import { Counter, Histogram } from 'prom-client';
import { Backlog, refusalOf } from '../backlog.js';
import { GroupCommit } from '../group-commit.js';
import type { LogWriter, NewRecord, Settle } from '../log-writer.js';
import type { BlockStore } from './block-store.js';
import type { EmbeddedOffsets } from './embedded-offsets.js';
import type { EmbeddedPartitions } from './embedded-partitions.js';
import type { Outage } from './outage.js';
import { BlockEncoder, encodedBytes } from './record-block.js';

const commitSeconds = new Histogram({
  name: 'fieldgate_embedded_log_commit_seconds',
  help: 'Group commits of the embedded log that are on disk: each is one flush',
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
});
const failedCommits = new Counter({
  name: 'fieldgate_embedded_log_failed_commits_total',
  help: 'Group commits of the embedded log that the disk did not take',
});
const embeddedRecords = new Counter({
  name: 'fieldgate_embedded_log_records_total',
  help: 'Records that the embedded log has settled',
  labelNames: ['result'],
});

/** A group fits one batch of a reader. */
const GROUP = { maxItems: 2_000, maxBytes: 2 * 1024 * 1024 };
const WAITING = { records: 100_000, bytes: 64 * 1024 * 1024 };

interface Waiting {
  readonly record: NewRecord;
  readonly settle: Settle;
}

/** The records of one topic in a group. */
interface Block {
  readonly topic: LogTopic;
  readonly waiting: readonly Waiting[];
  readonly base: number;
  readonly block: Buffer;
  readonly end: number;
}

/** One group of appends is one LMDB commit, with one block per topic in it. */
export class EmbeddedWriter implements LogWriter {
  private readonly backlog = new Backlog(WAITING);
  private readonly encoder = new BlockEncoder();
  private readonly groups = new GroupCommit<Waiting>(
    GROUP,
    ({ record }) => encodedBytes(record),
    (group, done) => void this.write(group, done),
  );
  private refusing: FieldgateError | undefined = new FieldgateError(
    'log-unavailable',
    'the log is not open yet',
  );

  constructor(
    private readonly parts: {
      readonly store: BlockStore;
      readonly partitions: EmbeddedPartitions;
      readonly offsets: EmbeddedOffsets;
      readonly outage: Outage;
      readonly clock: Clock;
    },
  ) {}

  open(): void {
    this.refusing = undefined;
  }

  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean {
    const refusal = refusalOf(record) ?? this.refusing ?? this.parts.outage.error;
    if (refusal !== undefined) {
      queueMicrotask(() => settle(refusal, undefined, record)); // never before append has returned
      return true;
    }
    this.groups.add({ record, settle: settle as Settle }); // it gets its own record back, no other
    return this.backlog.add(encodedBytes(record));
  }

  drained(listener: () => void): void {
    this.backlog.drained(listener);
  }

  /** Takes nothing more; what was appended settles, after `graceMs` with an error. */
  async close(graceMs: number): Promise<void> {
    this.refusing = new FieldgateError('log-unavailable', 'the log has been stopped');
    const timer = setTimeout(() => this.giveUp(), graceMs);
    await this.groups.idle();
    clearTimeout(timer);
  }

  private async write(group: readonly Waiting[], done: () => void): Promise<void> {
    const { store, offsets, outage, partitions } = this.parts;
    const begunMs = performance.now();
    const blocks = this.encode(group);
    const facts = offsets.takeUnwritten();
    try {
      await store.commit({ put: blocks, facts });
    } catch (error) {
      const failure = error as FieldgateError; // the store throws nothing else
      offsets.giveBack(facts);
      failedCommits.inc();
      outage.begin(failure);
      this.fail(group, failure);
      this.fail(this.groups.withdraw(), failure); // the same disk: why wait for the next failure
      return done();
    }
    for (const { topic, end } of blocks) partitions.advance(topic, end);
    commitSeconds.observe((performance.now() - begunMs) / 1_000);
    done(); // the disk goes on with the next group while this one is settled
    this.settle(group, blocks); // durable from here: PUBACK
  }

  private encode(group: readonly Waiting[]): readonly Block[] {
    const byTopic = sortedByTopic(group);
    this.encoder.begin(BlockEncoder.bytesFor(byTopic.size, totalBytes(group)));
    const now = this.parts.clock.now();
    return Array.from(byTopic, ([topic, waiting]) => {
      const base = this.parts.partitions.end(topic);
      this.encoder.startBlock();
      for (let index = 0; index < waiting.length; index += 1) {
        const { record } = waiting[index] as Waiting; // index < length
        this.encoder.add(index, record.key, record.value);
      }
      const block = this.encoder.finishBlock(now, waiting.length);
      return { topic, waiting, base, block, end: base + waiting.length };
    });
  }

  /** Topic by topic: what is of one topic in its order. */
  private settle(group: readonly Waiting[], blocks: readonly Block[]): void {
    for (const { waiting, base } of blocks) {
      let offset = base;
      for (const { record, settle } of waiting) settle(undefined, { partition: 0, offset: offset++ }, record);
    }
    this.settled(group, 'appended');
  }

  private fail(group: readonly Waiting[], error: FieldgateError): void {
    for (const { record, settle } of group) settle(error, undefined, record);
    this.settled(group, 'failed');
  }

  private settled(group: readonly Waiting[], result: 'appended' | 'failed'): void {
    if (group.length === 0) return;
    embeddedRecords.inc({ result }, group.length);
    this.backlog.remove(group.length, totalBytes(group));
  }

  private giveUp(): void {
    if (this.refusing) this.fail(this.groups.withdraw(), this.refusing);
  }
}

function sortedByTopic(group: readonly Waiting[]): ReadonlyMap<LogTopic, readonly Waiting[]> {
  const first = group[0]?.record.topic;
  if (first !== undefined && group.every(({ record }) => record.topic === first))
    return new Map([[first, group]]); // telemetry, nearly always
  const byTopic = new Map<LogTopic, Waiting[]>();
  let topic: LogTopic | undefined;
  let last: Waiting[] = [];
  for (const one of group) {
    if (one.record.topic !== topic) {
      topic = one.record.topic;
      last = byTopic.get(topic) ?? [];
      byTopic.set(topic, last);
    }
    last.push(one);
  }
  return byTopic;
}

function totalBytes(group: readonly Waiting[]): number {
  let bytes = 0;
  for (const { record } of group) bytes += encodedBytes(record);
  return bytes;
}
