import { INTEGER, type DuckDBAppender, type DuckDBConnection, type DuckDBInstance } from '@duckdb/node-api';
import type { StoreRecord, WriteOutcome } from '../telemetry-store.js';
import { appendReadings, READING_TYPES } from './append-readings.js';
import { Positions } from './positions.js';
import { KINDS, timeLiteral, type Kind } from './schema.js';
import { noteLatest, type SeriesIndex } from './series-index.js';
import { StagedBatch, type StagedReading } from './staged-batch.js';
import { writeCommands, writeEvents } from './write-documents.js';

/** Stores batches, each group of them in one transaction: rows, new series and the log's positions together, or nothing. */
export class BatchWriter {
  private readonly positions = new Positions();
  private readonly appenders: Record<Kind, DuckDBAppender>;

  private constructor(
    readonly connection: DuckDBConnection,
    private readonly index: SeriesIndex,
    appenders: readonly DuckDBAppender[],
  ) {
    const [numbers, flags, texts] = appenders as [DuckDBAppender, DuckDBAppender, DuckDBAppender]; // one per kind, see open
    this.appenders = { numbers, flags, texts };
  }

  static async open(instance: DuckDBInstance, index: SeriesIndex): Promise<BatchWriter> {
    const connection = await instance.connect();
    const appenders = [];
    for (const kind of KINDS) appenders.push(await connection.createAppender(kind));
    const writer = new BatchWriter(connection, index, appenders);
    await index.start(connection);
    await writer.positions.start(connection);
    return writer;
  }

  close(): void {
    for (const kind of KINDS) this.appenders[kind].closeSync();
    this.connection.closeSync();
  }

  /** Instead of `close` after a failure: the connection ends, and with it the transaction. */
  abandon(): void {
    for (const kind of KINDS) this.appenders[kind].clear();
    this.connection.closeSync();
  }

  /** After a failure nothing is stored, and this writer is used up: `abandon` it and open another. */
  async write(batches: readonly (readonly StoreRecord[])[]): Promise<readonly WriteOutcome[]> {
    await this.index.load(this.connection, devicesOf(batches));
    const staged = new StagedBatch(this.index, this.positions);
    for (const batch of batches) staged.add(batch);
    await this.connection.run('BEGIN');
    await this.appendSeries(staged);
    for (const kind of KINDS) this.append(kind, staged.rows[kind]);
    for (const kind of KINDS) await this.appendUnlessStored(staged, kind);
    if (staged.events.size > 0) await writeEvents(this.connection, [...staged.events.values()]);
    if (staged.commands.size > 0) await writeCommands(this.connection, [...staged.commands.values()]);
    await this.positions.save(this.connection);
    await this.connection.run('COMMIT'); // DuckDB flushes its log to disk here: durable
    for (const kind of KINDS)
      for (const { entry, stamp, value } of staged.rows[kind])
        noteLatest(entry, stamp.timeMs, stamp.seq, value);
    return staged.outcomes;
  }

  private append(kind: Kind, rows: readonly StagedReading[]): void {
    if (rows.length === 0) return;
    appendReadings(this.appenders[kind], kind, rows);
    this.appenders[kind].flushSync(); // into the memory of this transaction
  }

  private async appendSeries(staged: StagedBatch): Promise<void> {
    if (staged.created.length === 0) return;
    const appender = await this.connection.createAppender('series');
    for (const { deviceId, entry } of staged.created) {
      appender.appendInteger(entry.number);
      appender.appendVarchar(deviceId);
      appender.appendVarchar(entry.metric);
      appender.appendVarchar(entry.kind);
      appender.endRow();
    }
    appender.closeSync();
  }

  /** One question per batch: which of these are in the file (or in this transaction) already? */
  private async appendUnlessStored(staged: StagedBatch, kind: Kind): Promise<void> {
    const suspects = withoutTwins(staged.suspects[kind]);
    if (suspects.length === 0) return;
    const stored = await this.storedAmong(kind, suspects);
    const fresh = suspects.filter((_, index) => !stored.has(index));
    for (const { stamp } of fresh) if (stamp.repeated) this.positions.rewind(stamp.repeated);
    this.append(kind, fresh);
    staged.rows[kind] = staged.rows[kind].concat(fresh);
  }

  private async storedAmong(kind: Kind, suspects: readonly StagedReading[]): Promise<ReadonlySet<number>> {
    await this.connection.run(
      'CREATE OR REPLACE TEMP TABLE suspects (series INTEGER, time TIMESTAMP_MS, seq BIGINT, id BIGINT, row INTEGER)',
    );
    const appender = await this.connection.createAppender('suspects', 'main', 'temp');
    const rows = suspects.map((suspect, row) => ({ ...suspect, value: row }));
    appendReadings(appender, 'numbers', rows, [...READING_TYPES, INTEGER]);
    appender.closeSync();
    const times = suspects.map(({ stamp }) => stamp.timeMs);
    const reader = await this.connection.runAndReadAll(
      `SELECT DISTINCT s.row FROM ${kind} r JOIN suspects s USING (series, time, seq, id)
       WHERE r.time BETWEEN ${timeLiteral(minOf(times))} AND ${timeLiteral(maxOf(times))}`,
    );
    return new Set(reader.getRows().map(([row]) => Number(row)));
  }
}

function devicesOf(batches: readonly (readonly StoreRecord[])[]): Set<string> {
  const devices = new Set<string>();
  for (const batch of batches)
    for (const entry of batch) if (entry.kind === 'telemetry') devices.add(entry.record.deviceId);
  return devices;
}

function withoutTwins(readings: readonly StagedReading[]): readonly StagedReading[] {
  const seen = new Set<string>();
  return readings.filter(({ entry, stamp }) => {
    const key = `${entry.number} ${stamp.timeMs} ${stamp.seq} ${stamp.idColumn}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Math.min(...many) overflows the stack. */
function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function maxOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}
