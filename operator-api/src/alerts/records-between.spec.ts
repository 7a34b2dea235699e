import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { expect, it } from '@jest/globals';
import { recordsBetween } from './records-between.js';

/** One partition with gaps: the records of these offsets, each appended at ten times its offset by a clock that is so far ahead. */
function logOf(
  offsets: readonly number[],
  aheadMs: (offset: number) => number = () => 0,
): { reader: LogReader; handedOver: () => number } {
  let count = 0;
  const reader = {
    async *read(_: string, { from, to }: { from: number; to: number }): AsyncIterable<Partial<LogRecord>> {
      for (const offset of offsets) {
        if (offset < from || offset >= to) continue;
        count += 1;
        yield { offset, timestampMs: offset * 10 + aheadMs(offset) };
      }
    },
  } as unknown as LogReader; // nothing else is called
  return { reader, handedOver: () => count };
}

async function offsetsBetween(
  reader: LogReader,
  bounds: { earliest: number; end: number },
  [fromMs, toMs]: readonly [number, number],
): Promise<number[]> {
  const found: number[] = [];
  const range = { partition: 0, ...bounds, fromMs, toMs };
  for await (const { offset, timestampMs } of recordsBetween(reader, 'fieldgate.telemetry.v1', range))
    if (timestampMs >= fromMs) found.push(offset);
  return found;
}

it.each([
  [
    [0, 1_000],
    [3, 4, 5, 40, 41, 90],
  ],
  [[30, 31], [3]],
  [
    [31, 410],
    [4, 5, 40],
  ],
  [[410, 900], [41]],
  [[411, 901], [90]],
  [[901, 2_000], []],
  [[0, 30], []],
] as const)('finds what was appended in [%j)', async (range, expected) => {
  const { reader } = logOf([3, 4, 5, 40, 41, 90]);
  expect(await offsetsBetween(reader, { earliest: 3, end: 100 }, range)).toEqual(expected);
});

it('is empty in an empty partition', async () => {
  expect(await offsetsBetween(logOf([]).reader, { earliest: 7, end: 7 }, [0, 100])).toEqual([]);
});

it('does not end at a record of a gateway whose clock is ahead', async () => {
  const { reader } = logOf([3, 4, 5, 40, 41, 90], (offset) =>
    offset === 4 || offset === 40 ? 3_600_000 : 0,
  );
  expect(await offsetsBetween(reader, { earliest: 3, end: 100 }, [0, 900])).toEqual([3, 5, 41]);
});

const RECORDS = 100_000;
const HOUR_MS = 100_000; // ten of them are in the log
const EACH = Array.from({ length: RECORDS }, (_, offset) => offset);
const isIn = (offset: number, from: number, count: number): boolean =>
  offset >= from && offset < from + count;

it.each<[string, (offset: number) => number]>([
  ['was in the past for some records', (offset) => (isIn(offset, 56_200, 100) ? -1e9 : 0)],
  ['was in the past for very many records', (offset) => (isIn(offset, 55_000, 4_000) ? -1e9 : 0)],
  ['is behind, that of another gateway is not', (offset) => (offset % 2 === 0 ? -10 * HOUR_MS : 0)],
  ['is mostly behind', (offset) => (offset % 100 === 0 ? 0 : -10 * HOUR_MS)],
  ['was ahead for many records', (offset) => (isIn(offset, 55_000, 4_000) ? 1e9 : 0)],
  ['was ahead some time before', (offset) => (isIn(offset, 49_000, 1_500) ? 1e9 : 0)],
])('finds all of an hour though a clock %s', async (_, aheadMs) => {
  const { reader, handedOver } = logOf(EACH, aheadMs);
  const range = [5.1 * HOUR_MS, 6.1 * HOUR_MS] as const;
  const expected = EACH.filter((offset) => isIn(offset * 10 + aheadMs(offset), range[0], HOUR_MS));
  expect(expected.length).toBeGreaterThanOrEqual(100);
  expect(await offsetsBetween(reader, { earliest: 0, end: RECORDS }, range)).toEqual(expected);
  expect(handedOver()).toBeLessThan(70_000);
});

it('goes on behind where it was, though a clock was in the past there', async () => {
  const { reader } = logOf(EACH, (offset) => (isIn(offset, 55_000, 4_000) ? -1e9 : 0));
  const found = await offsetsBetween(reader, { earliest: 54_990, end: RECORDS }, [510_000, 610_000]);
  expect([found.length, found[0]]).toEqual([10 + 2_000, 54_990]);
});

it('reads no more than it must', async () => {
  const { reader, handedOver } = logOf(EACH);
  expect(await offsetsBetween(reader, { earliest: 0, end: RECORDS }, [900_000, 900_030])).toEqual([
    90_000, 90_001, 90_002,
  ]);
  expect(handedOver()).toBeLessThan(25_000); // some twenty samples
});
