import type { LogTopic } from '@fieldgate/contracts';
import type { Consumption, LogReader } from './log-reader.js';
import type { LogPosition, LogRecord } from './log-record.js';
import { OffsetGate } from './offset-gate.js';
import { unreadableRecords } from './unreadable-records.js';

export type Unsubscribe = () => void;

/** A change of one key, with the position of its record: for sessions, the epoch. */
export interface TableChange<T> {
  readonly key: string;
  readonly value: T | undefined;
  readonly previous: T | undefined;
  readonly at: LogPosition;
}

/** One object per row: tables have as many as there are devices. */
interface Row<T> extends LogPosition {
  readonly value: T;
}

/** The latest record per key of one topic, kept in memory and up to date. The last record wins. */
export class LogTable<T> {
  private readonly rows = new Map<string, Row<T>>();
  private readonly listeners = new Set<(change: TableChange<T>) => void>();
  private readonly gate = new OffsetGate();
  private consumption: Consumption | undefined;

  /** `parse` throws nothing: undefined for a record that is not understood, which `unreadable` then hears of and the table skips. */
  constructor(
    private readonly reader: LogReader,
    private readonly topic: LogTopic,
    private readonly parse: (value: Uint8Array) => T | undefined,
    private readonly supervision: {
      failed: (error: unknown) => void;
      unreadable: (record: LogRecord) => void;
    },
  ) {}

  async start(): Promise<void> {
    this.consumption = await this.reader.follow(
      this.topic,
      'earliest',
      (records) => records.forEach((record) => this.apply(record)),
      {
        failed: this.supervision.failed,
        reached: (partition, nextOffset) => this.gate.advance(partition, nextOffset),
      },
    );
  }

  async stop(): Promise<void> {
    await this.consumption?.stop();
  }

  get(key: string): T | undefined {
    return this.rows.get(key)?.value;
  }

  /** Where the newest record of this key stands. */
  positionOf(key: string): LogPosition | undefined {
    const row = this.rows.get(key);
    return row && { partition: row.partition, offset: row.offset };
  }

  get size(): number {
    return this.rows.size;
  }

  *entries(): IterableIterator<readonly [string, T]> {
    for (const [key, row] of this.rows) yield [key, row.value];
  }

  /** Resolves when the table holds everything that was in the topic at the time of the call. Rejects when the log does not tell its end. */
  async caughtUp(): Promise<void> {
    await this.gate.reachedAll(await this.reader.bounds(this.topic));
  }

  /** Resolves when the record at this position, and all before it, are in the table: for reading one's own append back. */
  reached(at: LogPosition): Promise<void> {
    return this.gate.reached(at);
  }

  /** Called for every record from now on, in order, after the table has changed. */
  changes(listener: (change: TableChange<T>) => void): Unsubscribe {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private apply(record: LogRecord): void {
    const previous = this.rows.get(record.key)?.value;
    const value = record.value === null ? undefined : this.parse(record.value);
    if (record.value !== null && value === undefined) {
      unreadableRecords.inc({ topic: this.topic });
      return this.supervision.unreadable(record);
    }
    const at = { partition: record.partition, offset: record.offset };
    if (value === undefined) this.rows.delete(record.key);
    else this.rows.set(record.key, { value, partition: at.partition, offset: at.offset });
    for (const listener of this.listeners) listener({ key: record.key, value, previous, at });
  }
}
