import { describe, expect, it } from '@jest/globals';
import type { LogRecord } from '../log-record.js';
import { BlockEncoder, decodeBlock, encodedBytes, isIntact } from './record-block.js';

const TOPIC = 'fieldgate.events.v1';

function encode(
  records: readonly { delta: number; key: string; value: Uint8Array | null }[],
  covers: number,
): Buffer {
  const encoder = new BlockEncoder();
  const bytes = records.reduce((sum, { key, value }) => sum + encodedBytes({ topic: TOPIC, key, value }), 0);
  encoder.begin(BlockEncoder.bytesFor(1, bytes));
  encoder.startBlock();
  for (const { delta, key, value } of records) encoder.add(delta, key, value);
  return Buffer.from(encoder.finishBlock(1_795_210_200_123, covers));
}

function decode(block: Buffer, from = 0): LogRecord[] {
  const records: LogRecord[] = [];
  decodeBlock(TOPIC, 100, block, { from, records });
  return records;
}

const block = encode(
  [
    { delta: 0, key: 'pump-7', value: Buffer.from('one') },
    { delta: 2, key: `gerät-${'ß'.repeat(60)}`, value: new Uint8Array(0) },
    { delta: 5, key: '', value: null },
  ],
  8,
);

describe('a block of records', () => {
  it('gives back keys, values, tombstones, gaps and the time', () => {
    const common = { topic: TOPIC, partition: 0, timestampMs: 1_795_210_200_123 };
    expect(decode(block)).toEqual([
      { ...common, offset: 100, key: 'pump-7', value: Buffer.from('one') },
      { ...common, offset: 102, key: `gerät-${'ß'.repeat(60)}`, value: Buffer.alloc(0) },
      { ...common, offset: 105, key: '', value: null },
    ]);
    expect(decodeBlock(TOPIC, 100, block, { from: 0, records: [] })).toEqual({
      base: 100,
      count: 3,
      end: 108,
      bytes: block.length,
      timestampMs: 1_795_210_200_123,
    });
  });

  it('can be entered in the middle', () => {
    expect(decode(block, 101).map(({ offset }) => offset)).toEqual([102, 105]);
    expect(decode(block, 106)).toEqual([]);
  });

  it('knows when a single bit of it has changed', () => {
    expect(isIntact(block)).toBe(true);
    for (let at = 0; at < block.length; at += 1) {
      const damaged = Buffer.from(block);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(isIntact(damaged)).toBe(false);
    }
    expect(isIntact(block.subarray(0, 10))).toBe(false);
  });

  it('keeps several blocks of one group apart', () => {
    const encoder = new BlockEncoder();
    encoder.begin(2 * 1024 * 1024);
    const blocks = ['a', 'b'].map((key) => {
      encoder.startBlock();
      encoder.add(0, key, Buffer.alloc(500_000, key));
      return encoder.finishBlock(1, 1);
    });
    expect(blocks.flatMap((each) => decode(each)).map(({ key, value }) => [key, value?.[0]])).toEqual([
      ['a', 97],
      ['b', 98],
    ]);
  });
});
