import { describe, expect, it } from '@jest/globals';
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import { recordBatchRoom, writeRecordBatch, type BatchRecord } from './record-batch.js';

function written(records: readonly BatchRecord[], start = 0): Buffer {
  const into = Buffer.alloc(start + recordBatchRoom(records), 0xff);
  return into.subarray(start, writeRecordBatch(into, start, records));
}

function record(key: string, value: string | null, timestampMs: number): BatchRecord {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs };
}

describe('a record batch', () => {
  const records = [
    record('pump-7', '{"a":1}', 1_795_210_200_123),
    record('', null, 1_795_210_200_122), // the clock was set back
    record('gerät', '', 1_795_210_290_000),
    record('x'.repeat(300), 'y'.repeat(100_000), 1_795_210_200_123),
    ...Array.from({ length: 200 }, (_, n) => record(`k${n}`, `v${n}`, 1_795_210_200_123 + n * 1_000)),
  ];

  it('is read by a Kafka client as what was written', () => {
    const batch = readRecordsBatch(Reader.from(written(records)));
    expect(batch).toMatchObject({
      magic: 2,
      attributes: 0,
      lastOffsetDelta: 203,
      firstTimestamp: 1_795_210_200_123n,
    });
    expect(batch.maxTimestamp).toBe(1_795_210_200_123n + 199_000n);
    expect(
      batch.records.map(({ key, value, timestampDelta, offsetDelta }) => ({
        key: key?.toString() ?? '',
        value: value?.toString() ?? null,
        timestampMs: Number(batch.firstTimestamp + timestampDelta),
        offsetDelta,
      })),
    ).toEqual(
      records.map(({ key, value, timestampMs }, offsetDelta) => ({
        key: key.toString(),
        value: value?.toString() ?? null,
        timestampMs,
        offsetDelta,
      })),
    );
  });

  it('marks every record as a CloudEvent in JSON, by its one header', () => {
    for (const { headers } of readRecordsBatch(Reader.from(written(records))).records) {
      expect(headers.map((pair) => pair.map(String))).toEqual([
        ['content-type', 'application/cloudevents+json'],
      ]);
    }
  });

  it('says its own length and checksum, wherever in a request it stands', () => {
    const bytes = written(records, 777);
    expect(bytes.readInt32BE(8)).toBe(bytes.length - 12);
    expect(bytes.readUInt32BE(17)).toBe(crc32c(bytes.subarray(21)));
    expect(bytes.equals(written(records))).toBe(true);
  });
});
