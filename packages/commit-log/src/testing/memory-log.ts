import { FieldgateError, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import { systemClock, type Clock } from '@fieldgate/service';
import { Backlog, refusalOf } from '../backlog.js';
import type { CommitLog } from '../commit-log.js';
import { GroupCommit } from '../group-commit.js';
import { TailSignal, type GroupOffsets, type LocalPartitions } from '../in-process/local-partitions.js';
import { LocalReader } from '../in-process/local-reader.js';
import type { LogRecord } from '../log-record.js';
import type { LogWriter, NewRecord, Settle } from '../log-writer.js';

export interface MemoryLog extends CommitLog {
  /** From now on every append fails with `log-unavailable`, as when the broker or the disk is away. */
  goAway(): void;
  comeBack(): void;
  /** The same records and group offsets in a new log, as after a restart. */
  restarted(): MemoryLog;
}

interface Memory {
  readonly partitions: number;
  readonly clock: Clock;
  readonly records: Map<string, LogRecord[]>;
  readonly offsets: Map<string, number>;
}

const BATCH_RECORDS = 2_000;

/** The port in plain memory, for unit tests: nothing is durable, and nothing expires. */
export function createMemoryLog(options: { partitions?: number; clock?: Clock } = {}): MemoryLog {
  return openMemory({
    partitions: options.partitions ?? 1,
    clock: options.clock ?? systemClock,
    records: new Map(),
    offsets: new Map(),
  });
}

function openMemory(memory: Memory): MemoryLog {
  const partitions = new MemoryPartitions(memory);
  const reader = new LocalReader(partitions, () => undefined); // nothing expires
  const writer = new MemoryWriter(memory, partitions);
  return {
    reader,
    writer,
    ingest: writer,
    spool: () => undefined,
    start: async () => writer.start(),
    stop: async () => {
      await reader.stop();
      await writer.stop();
    },
    problem: () => (writer.isAway ? 'the log is away' : undefined),
    goAway: () => (writer.isAway = true),
    comeBack: () => (writer.isAway = false),
    restarted: () => openMemory(memory),
  };
}

class MemoryWriter implements LogWriter {
  isAway = false;
  private isOpen = false;
  private readonly backlog = new Backlog({ records: 20_000, bytes: 64 * 1024 * 1024 });
  private readonly group = new GroupCommit<{ record: NewRecord; settle: Settle }>(
    { maxItems: 500, maxBytes: 4 * 1024 * 1024 },
    ({ record }) => sizeOf(record),
    (group, done) => {
      for (const { record, settle } of group) this.keep(record, settle);
      this.backlog.remove(
        group.length,
        group.reduce((bytes, { record }) => bytes + sizeOf(record), 0),
      );
      setImmediate(done);
    },
  );

  constructor(
    private readonly memory: Memory,
    private readonly partitions: MemoryPartitions,
  ) {}

  start(): void {
    this.isOpen = true;
  }

  async stop(): Promise<void> {
    this.isOpen = false;
    await this.group.idle();
  }

  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean {
    const refusal = refusalOf(record) ?? (this.isOpen ? undefined : new FieldgateError('log-unavailable'));
    if (refusal) {
      queueMicrotask(() => settle(refusal, undefined, record));
      return true;
    }
    this.group.add({ record, settle: settle as Settle }); // it gets its own record back, no other
    return this.backlog.add(sizeOf(record));
  }

  drained(listener: () => void): void {
    this.backlog.drained(listener);
  }

  private keep(record: NewRecord, settle: Settle): void {
    if (this.isAway)
      return settle(new FieldgateError('log-unavailable', 'the log is away'), undefined, record);
    const { topic, key, value } = record;
    const partition = this.partitions.partitionOf(topic, record.partitionKey ?? key);
    const records = this.partitions.recordsOf(topic, partition);
    const offset = records.length;
    records.push({ topic, partition, offset, key, value, timestampMs: this.memory.clock.now() });
    settle(undefined, { partition, offset }, record);
    this.partitions.tail.moved(topic, partition);
  }
}

class MemoryPartitions implements LocalPartitions {
  readonly tail = new TailSignal();
  readonly offsets: GroupOffsets;

  constructor(private readonly memory: Memory) {
    const place = (group: ConsumerGroup, topic: LogTopic, partition: number): string =>
      `${group}/${topic}/${partition}`;
    this.offsets = {
      get: (group, topic, partition) => memory.offsets.get(place(group, topic, partition)),
      keep: (group, topic, partition, offset) => memory.offsets.set(place(group, topic, partition), offset),
      flush: async () => undefined,
    };
  }

  recordsOf(topic: LogTopic, partition: number): LogRecord[] {
    const place = `${topic}/${partition}`;
    const records = this.memory.records.get(place) ?? [];
    this.memory.records.set(place, records);
    return records;
  }

  count(): number {
    return this.memory.partitions;
  }

  partitionOf(_topic: LogTopic, key: string): number {
    let hash = 0;
    for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
    return hash % this.memory.partitions;
  }

  earliest(): number {
    return 0;
  }

  end(topic: LogTopic, partition: number): number {
    return this.recordsOf(topic, partition).length;
  }

  take(topic: LogTopic, partition: number, from: number): { records: LogRecord[]; next: number } {
    const records = this.recordsOf(topic, partition).slice(from, from + BATCH_RECORDS);
    return { records, next: from + records.length };
  }
}

function sizeOf(record: NewRecord): number {
  return record.key.length + (record.value?.byteLength ?? 0);
}
