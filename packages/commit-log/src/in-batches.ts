import type { LogRecord } from './log-record.js';

/** One record alone may be more. */
const MOST = { records: 1_000, bytes: 4 * 1024 * 1024 };

/** What is read, in batches that may be held in memory, however large the records are. None of them is empty. */
export async function* inBatches(records: AsyncIterable<LogRecord>): AsyncIterable<LogRecord[]> {
  let batch: LogRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    batch.push(record);
    bytes += record.value?.byteLength ?? 0;
    if (batch.length < MOST.records && bytes < MOST.bytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
