import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { SideRecords } from './side-records.js';

const LETTERS = 'fieldgate.dead-letters.v1';

/** Dead letters of one size, one at each of these offsets; `handedOver` of them were read, and none from `failsAt` on can be. */
function lettersAt(offsets: readonly number[], end: number, bytes: number) {
  const value = new Uint8Array(bytes);
  const read = { handedOver: 0, failsAt: Infinity };
  const reader = {
    partitionOf: () => 0,
    bounds: async (topic: LogTopic) => [{ partition: 0, earliest: 0, end: topic === LETTERS ? end : 0 }],
    async *read(topic: LogTopic, range: { from: number; to: number }): AsyncIterable<LogRecord> {
      for (const offset of offsets) {
        if (topic !== LETTERS || offset < range.from || offset >= range.to) continue;
        if (offset >= read.failsAt) throw new FieldgateError('log-unavailable');
        read.handedOver += 1;
        yield { topic, partition: 0, offset, key: 'pump-7', timestampMs: 1_000 + offset, value };
      }
    },
  } as unknown as LogReader; // nothing else is called
  return { side: new SideRecords(reader, 0, { now: () => 1_000_000 }), read };
}

async function taken(side: SideRecords, untilMs: number): Promise<number[]> {
  const offsets: number[] = [];
  while (side.hasMore) {
    const { records, advances } = await side.takeUpTo(untilMs);
    offsets.push(...records.map(({ offset }) => offset));
    if (!advances) break;
  }
  return offsets;
}

it('holds some megabytes of what it may not hand over yet, however large the records are, and hands over all in the end', async () => {
  const offsets = Array.from({ length: 1_000 }, (_, offset) => offset);
  const { side, read } = lettersAt(offsets, 1_000, 100 * 1024);
  await side.start({});
  expect(await taken(side, 0)).toEqual([]);
  expect(read.handedOver).toBe(41);
  expect(side.next()).toMatchObject({ [`${LETTERS}/0`]: 0 });
  expect(await taken(side, 1_050)).toEqual(offsets.slice(0, 51));
  expect(side.next()).toMatchObject({ [`${LETTERS}/0`]: 51 });
  expect(await taken(side, Infinity)).toEqual(offsets.slice(51));
  expect(read.handedOver).toBe(1_000);
});

it('comes to the end where nothing is left before it', async () => {
  const { side } = lettersAt([3, 4, 8], 20, 10);
  await side.start({});
  expect(await taken(side, Infinity)).toEqual([3, 4, 8]);
  expect([side.hasMore, side.next()[`${LETTERS}/0`]]).toEqual([false, 20]);
});

it('reads again what it could not read to the end', async () => {
  const { side, read } = lettersAt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 10, 10);
  await side.start({});
  read.failsAt = 7; // its leader has changed
  await expect(taken(side, Infinity)).rejects.toMatchObject({ retriable: true });
  expect(side.next()).toMatchObject({ [`${LETTERS}/0`]: 0 });
  read.failsAt = Infinity;
  expect(await taken(side, Infinity)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
