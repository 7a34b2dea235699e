import { expect, it } from '@jest/globals';
import { inBatches } from './in-batches.js';
import type { LogRecord } from './log-record.js';

async function sizesOf(number: number, bytes: number | undefined): Promise<number[]> {
  const value = bytes === undefined ? null : new Uint8Array(bytes);
  async function* records(): AsyncIterable<LogRecord> {
    for (let offset = 0; offset < number; offset += 1)
      yield { topic: 'fieldgate.telemetry.v1', partition: 0, offset, key: 'pump-7', timestampMs: 0, value };
  }
  const sizes: number[] = [];
  let next = 0;
  for await (const batch of inBatches(records())) {
    for (const { offset } of batch) expect(offset).toBe(next++);
    sizes.push(batch.length);
  }
  return sizes;
}

it.each([
  [0, 10, []],
  [1_000, undefined, [1_000]],
  [2_500, 10, [1_000, 1_000, 500]],
  [10, 1_048_576, [4, 4, 2]],
  [2, 5_000_000, [1, 1]],
])('makes of %i records of %s bytes batches of %j', async (number, bytes, sizes) => {
  expect(await sizesOf(number, bytes)).toEqual(sizes);
});
