import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  INTEGER,
  TIMESTAMP_MS,
  VARCHAR,
  type DuckDBAppender,
  type DuckDBType,
  type DuckDBVector,
} from '@duckdb/node-api';
import type { Kind } from './schema.js';
import type { StagedReading } from './staged-batch.js';

const TYPES: Readonly<Record<Kind, readonly DuckDBType[]>> = {
  numbers: [INTEGER, TIMESTAMP_MS, BIGINT, BIGINT, DOUBLE],
  flags: [INTEGER, TIMESTAMP_MS, BIGINT, BIGINT, BOOLEAN],
  texts: [INTEGER, TIMESTAMP_MS, BIGINT, BIGINT, VARCHAR],
};
/** Rows in one chunk, DuckDB's STANDARD_VECTOR_SIZE. */
const CHUNK_ROWS = 2_048;

/**
 * Column by column into DuckDB's own vectors: a call into native code per column, not per value. The chunk is used again and again: a new one
 * is a quarter of a megabyte outside of JavaScript's heap, which the garbage collector neither sees nor hurries to free.
 */
export class ReadingAppender {
  private readonly chunk: DuckDBDataChunk;

  constructor(
    private readonly appender: DuckDBAppender,
    kind: Kind,
  ) {
    this.chunk = DuckDBDataChunk.create(TYPES[kind]);
  }

  /** Into the memory of the transaction. */
  append(readings: readonly StagedReading[]): void {
    if (readings.length === 0) return;
    for (let start = 0; start < readings.length; start += CHUNK_ROWS) {
      this.chunk.reset();
      this.chunk.rowCount = Math.min(CHUNK_ROWS, readings.length - start);
      fill(this.chunk, readings, start);
      this.appender.appendDataChunk(this.chunk);
    }
    this.appender.flushSync();
  }

  /** Drops what has not been flushed. */
  clear(): void {
    this.appender.clear();
  }

  close(): void {
    this.appender.closeSync();
  }
}

function fill(chunk: DuckDBDataChunk, readings: readonly StagedReading[], start: number): void {
  const columns = Array.from({ length: chunk.columnCount }, (_, column) => chunk.getColumnVector(column));
  // the five columns of every table of readings
  const [series, time, seq, id, value] = columns as [Vector, Vector, Vector, Vector, Vector];
  const { rowCount } = chunk;
  for (let row = 0; row < rowCount; row++) {
    const reading = readings[start + row] as StagedReading; // within bounds
    series.setItem(row, reading.entry.number);
    time.setItem(row, reading.stamp.time);
    seq.setItem(row, reading.stamp.seqColumn);
    id.setItem(row, reading.stamp.idColumn);
    value.setItem(row, reading.value);
  }
  for (const column of columns) column.flush();
}

type Vector = DuckDBVector & { setItem(row: number, value: unknown): void };
