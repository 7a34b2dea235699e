import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { expect, it } from '@jest/globals';
import { recordsBetween } from './records-between.js';

/** One partition with gaps: the records of these offsets, each appended at ten times its offset, and some by the clock of a gateway that is ahead. */
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
  for await (const { offset } of recordsBetween(reader, 'fieldgate.telemetry.v1', range)) found.push(offset);
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

it('reads no more than it must', async () => {
  const { reader, handedOver } = logOf(Array.from({ length: 100_000 }, (_, offset) => offset));
  expect(await offsetsBetween(reader, { earliest: 0, end: 100_000 }, [900_000, 900_030])).toEqual([
    90_000, 90_001, 90_002,
  ]);
  expect(handedOver()).toBeLessThan(1_030);
});
