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

export const READING_TYPES: readonly DuckDBType[] = [INTEGER, TIMESTAMP_MS, BIGINT, BIGINT];
const TYPES: Readonly<Record<Kind, readonly DuckDBType[]>> = {
  numbers: [...READING_TYPES, DOUBLE],
  flags: [...READING_TYPES, BOOLEAN],
  texts: [...READING_TYPES, VARCHAR],
};
/** Rows in one chunk, DuckDB's STANDARD_VECTOR_SIZE. */
const CHUNK_ROWS = 2_048;

/** Column by column into DuckDB's own vectors: a call into native code per column, not per value. */
export function appendReadings(
  appender: DuckDBAppender,
  kind: Kind,
  readings: readonly StagedReading[],
  types: readonly DuckDBType[] = TYPES[kind],
): void {
  for (let start = 0; start < readings.length; start += CHUNK_ROWS) {
    const count = Math.min(CHUNK_ROWS, readings.length - start);
    const chunk = DuckDBDataChunk.create(types, count);
    const columns = types.map((_, column) => chunk.getColumnVector(column));
    // the five columns of every table of readings
    const [series, time, seq, id, value] = columns as [Vector, Vector, Vector, Vector, Vector];
    for (let row = 0; row < count; row++) {
      const reading = readings[start + row] as StagedReading; // within bounds
      series.setItem(row, reading.entry.number);
      time.setItem(row, reading.stamp.time);
      seq.setItem(row, reading.stamp.seqColumn);
      id.setItem(row, reading.stamp.idColumn);
      value.setItem(row, reading.value);
    }
    for (const column of columns) column.flush();
    appender.appendDataChunk(chunk);
  }
}

type Vector = DuckDBVector & { setItem(row: number, value: unknown): void };
