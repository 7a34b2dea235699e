import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement } from '@duckdb/node-api';
import type { StoreRecord, WriteOutcome } from '../telemetry-store.js';
import { ReadingAppender } from './append-readings.js';
import { KINDS, timeLiteral, type Kind } from './schema.js';
import { noteLatest, type SeriesIndex } from './series-index.js';
import { StagedBatch, type StagedReading } from './staged-batch.js';
import { writeAlerts } from './write-alerts.js';
import { writeCommands, writeEvents } from './write-documents.js';

/** Readings that may be in the file already; `value` is their place in the list. */
const SUSPECTS =
  'CREATE OR REPLACE TEMP TABLE suspects (series INTEGER, time TIMESTAMP_MS, seq BIGINT, id BIGINT, value DOUBLE)';

/** Stores batches, each group of them in one transaction: rows and new series together, or nothing. */
export class BatchWriter {
  private constructor(
    readonly connection: DuckDBConnection,
    private readonly index: SeriesIndex,
    private readonly appenders: Readonly<Record<Kind | 'suspects', ReadingAppender>>,
    private readonly transaction: {
      readonly begin: DuckDBPreparedStatement;
      readonly commit: DuckDBPreparedStatement;
    },
  ) {}

  static async open(instance: DuckDBInstance, index: SeriesIndex): Promise<BatchWriter> {
    const connection = await instance.connect();
    await connection.run(SUSPECTS);
    await index.start(connection);
    const appenders = {
      numbers: new ReadingAppender(await connection.createAppender('numbers'), 'numbers'),
      flags: new ReadingAppender(await connection.createAppender('flags'), 'flags'),
      texts: new ReadingAppender(await connection.createAppender('texts'), 'texts'),
      suspects: new ReadingAppender(await connection.createAppender('suspects', 'main', 'temp'), 'numbers'),
    };
    const transaction = {
      begin: await connection.prepare('BEGIN'),
      commit: await connection.prepare('COMMIT'),
    };
    return new BatchWriter(connection, index, appenders, transaction);
  }

  close(): void {
    for (const appender of Object.values(this.appenders)) appender.close();
    this.connection.closeSync();
  }

  /** Instead of `close` after a failure: the connection ends, and with it the transaction. */
  abandon(): void {
    for (const appender of Object.values(this.appenders)) appender.clear();
    this.connection.closeSync();
  }

  /** After a failure nothing is stored, and this writer is used up: `abandon` it and open another. */
  async write(batches: readonly (readonly StoreRecord[])[]): Promise<readonly WriteOutcome[]> {
    await this.index.load(this.connection, devicesOf(batches));
    const staged = new StagedBatch(this.index);
    for (const batch of batches) staged.add(batch);
    await this.transaction.begin.run();
    await this.appendSeries(staged);
    for (const kind of KINDS) this.appenders[kind].append(staged.rows[kind]);
    for (const kind of KINDS) await this.appendUnlessStored(staged, kind);
    if (staged.events.size > 0) await writeEvents(this.connection, [...staged.events.values()]);
    if (staged.commands.size > 0) await writeCommands(this.connection, [...staged.commands.values()]);
    if (staged.alertSteps.length > 0) await writeAlerts(this.connection, staged.alertSteps);
    await this.transaction.commit.run(); // DuckDB flushes its log to disk here: durable
    for (const kind of KINDS)
      for (const { entry, stamp, value } of staged.rows[kind])
        noteLatest(entry, stamp.timeMs, stamp.seq, value);
    return staged.outcomes;
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
    this.appenders[kind].append(fresh);
    staged.rows[kind] = staged.rows[kind].concat(fresh);
  }

  private async storedAmong(kind: Kind, suspects: readonly StagedReading[]): Promise<ReadonlySet<number>> {
    await this.connection.run('TRUNCATE suspects');
    this.appenders.suspects.append(suspects.map((suspect, row) => ({ ...suspect, value: row })));
    const times = suspects.map(({ stamp }) => stamp.timeMs);
    const reader = await this.connection.runAndReadAll(
      `SELECT DISTINCT s.value FROM ${kind} r JOIN suspects s USING (series, time, seq, id)
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
