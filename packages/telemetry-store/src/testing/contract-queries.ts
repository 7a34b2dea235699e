import { describe, expect, it } from '@jest/globals';
import { AGGREGATES } from '../telemetry-store.js';
import { withStore, type OpenStore } from './opened-store.js';
import { event, freshDevice, T0, telemetry } from './records.js';

const MINUTE_MS = 60_000;

export function describeQueries(openStore: OpenStore): void {
  describe('queries', () => {
    it('answers the latest of each metric by time, not by arrival', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([telemetry(deviceId, { a: 1, b: 1 }, { timeMs: T0 + 20 })]);
        expect(await store.latest(deviceId)).toEqual([
          { metric: 'a', timeMs: T0 + 20, value: 1 },
          { metric: 'b', timeMs: T0 + 20, value: 1 },
        ]);
        await store.write([
          telemetry(deviceId, { a: 2 }, { timeMs: T0 + 10 }),
          telemetry(deviceId, { b: 3, c: 'x' }, { timeMs: T0 + 30 }),
          telemetry(deviceId, { b: 2 }, { timeMs: T0 + 29 }),
        ]);
        expect(await store.latest(deviceId)).toEqual([
          { metric: 'a', timeMs: T0 + 20, value: 1 },
          { metric: 'b', timeMs: T0 + 30, value: 3 },
          { metric: 'c', timeMs: T0 + 30, value: 'x' },
        ]);
      }));

    it('answers the latest of what was written before it was opened', () =>
      withStore(openStore, async (store, { reopen }) => {
        const deviceId = freshDevice();
        await store.write([
          telemetry(deviceId, { old: 1 }, { timeMs: T0 - 300 * 86_400_000 }),
          telemetry(deviceId, { t: 1, on: true }, { timeMs: T0 }),
        ]);
        const again = await reopen();
        await again.write([telemetry(deviceId, { t: 0 }, { timeMs: T0 - 1 })]);
        expect(await again.latest(deviceId)).toEqual([
          { metric: 'old', timeMs: T0 - 300 * 86_400_000, value: 1 },
          { metric: 'on', timeMs: T0, value: true },
          { metric: 't', timeMs: T0, value: 1 },
        ]);
      }));

    it('sorts by time what arrived out of order, with the start of a range in it and its end not', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const times = [30, 10, 40, 0, 20];
        await store.write(times.map((offset) => telemetry(deviceId, { t: offset }, { timeMs: T0 + offset })));
        const [series] = await store.series({
          deviceId,
          metrics: ['t'],
          fromMs: T0 + 10,
          toMs: T0 + 40,
          limit: 10,
        });
        expect(series?.points).toEqual([
          [T0 + 10, 10],
          [T0 + 20, 20],
          [T0 + 30, 30],
        ]);
      }));

    it('answers the earliest when there are more than the limit, for each series', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write(
          Array.from({ length: 20 }, (_, index) =>
            telemetry(deviceId, { a: index, b: -index }, { timeMs: T0 + index }),
          ),
        );
        const series = await store.series({ deviceId, fromMs: 0, toMs: T0 + MINUTE_MS, limit: 2 });
        expect(series).toEqual([
          {
            metric: 'a',
            points: [
              [T0, 0],
              [T0 + 1, 1],
            ],
          },
          {
            metric: 'b',
            points: [
              [T0, -0],
              [T0 + 1, -1],
            ],
          },
        ]);
      }));

    it('answers only the metrics that are asked for and have points, ordered by name', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([
          telemetry(deviceId, { b: 1, a: 'x', c: true }),
          telemetry(deviceId, { d: 1 }, { timeMs: T0 + MINUTE_MS }),
        ]);
        const range = { deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 };
        expect(
          (await store.series({ ...range, metrics: ['c', 'a', 'd', 'none'] })).map(({ metric }) => metric),
        ).toEqual(['a', 'c']);
        expect((await store.series(range)).map(({ metric }) => metric)).toEqual(['a', 'b', 'c']);
        expect(await store.series({ ...range, deviceId: freshDevice() })).toEqual([]);
        expect(await store.latest(freshDevice())).toEqual([]);
      }));

    it.each(AGGREGATES)('%s in buckets aligned to the epoch in UTC', (aggregate) =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const readings: [number, number][] = [
          [50_000, 3],
          [59_999, 5],
          [60_000, -1],
          [61_000, 7.5],
          [240_000, 2],
        ];
        await store.write(
          readings
            .toReversed()
            .map(([offset, value]) => telemetry(deviceId, { t: value, other: 1 }, { timeMs: T0 + offset })),
        );
        const [series] = await store.series({
          deviceId,
          metrics: ['t'],
          fromMs: T0 + 45_000, // inside of a bucket: it is named by its start all the same
          toMs: T0 + 240_001,
          limit: 10,
          downsample: { everyMs: MINUTE_MS, aggregate },
        });
        const expected = {
          mean: [4, 3.25, 2],
          min: [3, -1, 2],
          max: [5, 7.5, 2],
          sum: [8, 6.5, 2],
          count: [2, 2, 1],
          last: [5, 7.5, 2],
        }[aggregate];
        const starts = [T0, T0 + MINUTE_MS, T0 + 4 * MINUTE_MS];
        expect(series?.points).toEqual(starts.map((start, index) => [start, expected[index]]));
      }),
    );

    it('aligns buckets of any length, and answers the earliest up to the limit without the empty ones', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const everyMs = 7 * 86_400_000;
        const start = Math.floor(T0 / everyMs) * everyMs;
        const times = [start, start + everyMs - 1, start + everyMs, start + 3 * everyMs];
        await store.write(times.map((timeMs) => telemetry(deviceId, { t: 1 }, { timeMs })));
        const query = { deviceId, fromMs: start, toMs: start + 10 * everyMs };
        const downsample = { everyMs, aggregate: 'count' } as const;
        expect((await store.series({ ...query, limit: 10, downsample }))[0]?.points).toEqual([
          [start, 2],
          [start + everyMs, 1],
          [start + 3 * everyMs, 1],
        ]);
        expect((await store.series({ ...query, limit: 2, downsample }))[0]?.points).toEqual([
          [start, 2],
          [start + everyMs, 1],
        ]);
        expect(
          (await store.series({ ...query, fromMs: start + 2 * everyMs, limit: 1, downsample }))[0]?.points,
        ).toEqual([[start + 3 * everyMs, 1]]);
        const odd = await store.series({
          ...query,
          limit: 1,
          downsample: { everyMs: 7_001, aggregate: 'sum' },
        });
        expect(odd[0]?.points).toEqual([[Math.floor(start / 7_001) * 7_001, 1]]);
      }));

    it('counts and lasts every type of value, and leaves texts and booleans out of the rest', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([
          telemetry(deviceId, { mixed: 1, text: 'a' }, { timeMs: T0 }),
          telemetry(deviceId, { mixed: 'late', text: 'b' }, { timeMs: T0 + 2 }),
          telemetry(deviceId, { mixed: true, flag: true }, { timeMs: T0 + 1 }),
          telemetry(deviceId, { mixed: 9 }, { timeMs: T0 + MINUTE_MS }),
        ]);
        const query = { deviceId, fromMs: T0, toMs: T0 + 5 * MINUTE_MS, limit: 10 };
        const downsample = (aggregate: (typeof AGGREGATES)[number]) => ({
          downsample: { everyMs: MINUTE_MS, aggregate },
        });
        expect(await store.series({ ...query, ...downsample('count') })).toEqual([
          { metric: 'flag', points: [[T0, 1]] },
          {
            metric: 'mixed',
            points: [
              [T0, 3],
              [T0 + MINUTE_MS, 1],
            ],
          },
          { metric: 'text', points: [[T0, 2]] },
        ]);
        expect(await store.series({ ...query, ...downsample('last') })).toEqual([
          { metric: 'flag', points: [[T0, true]] },
          {
            metric: 'mixed',
            points: [
              [T0, 'late'],
              [T0 + MINUTE_MS, 9],
            ],
          },
          { metric: 'text', points: [[T0, 'b']] },
        ]);
        for (const aggregate of ['mean', 'min', 'max', 'sum'] as const)
          expect(await store.series({ ...query, ...downsample(aggregate) })).toEqual([
            {
              metric: 'mixed',
              points: [
                [T0, 1],
                [T0 + MINUTE_MS, 9],
              ],
            },
          ]);
      }));

    it('survives sums and means that no double can hold: no point, or a refusal of this one query', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write(
          [0, 1].map((offset) => telemetry(deviceId, { huge: 1e308 }, { timeMs: T0 + offset })),
        );
        const query = { deviceId, fromMs: T0, toMs: T0 + 10, limit: 1 };
        for (const aggregate of ['sum', 'mean'] as const) {
          const asked = store.series({ ...query, downsample: { everyMs: MINUTE_MS, aggregate } });
          const outcome = await asked.catch((error: { code: string }) => error.code);
          expect([[], 'store-unavailable']).toContainEqual(outcome);
        }
        expect(store.problem()).toBeUndefined();
        expect(await store.series(query)).toEqual([{ metric: 'huge', points: [[T0, 1e308]] }]);
      }));

    it('takes device ids and metrics from strangers as values, never as a part of a query', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([telemetry(deviceId, { t: 1 }), event(deviceId)]);
        const attempts = [
          "' OR '1'='1",
          `${deviceId}' OR device != '`,
          '" OR 1=1 --',
          "\\' OR 1=1 --",
          `x'; DROP MEASUREMENT telemetry; --`,
          "x'; DROP TABLE numbers; --",
          '$1',
          '/.*/',
          '*',
          '\n',
          '\u0000',
        ];
        for (const attempt of attempts) {
          expect(await store.latest(attempt)).toEqual([]);
          expect(await store.series({ deviceId: attempt, fromMs: 0, toMs: T0 * 2, limit: 10 })).toEqual([]);
          expect(
            await store.series({ deviceId, metrics: [attempt], fromMs: 0, toMs: T0 * 2, limit: 10 }),
          ).toEqual([]);
          expect(await store.events({ deviceId: attempt, fromMs: 0, toMs: T0 * 2, limit: 10 })).toEqual([]);
          expect(
            await store.events({ deviceId, event: attempt, fromMs: 0, toMs: T0 * 2, limit: 10 }),
          ).toEqual([]);
          expect(await store.command(attempt)).toBeUndefined();
          expect(await store.commands({ deviceId: attempt, limit: 10 })).toEqual([]);
          expect(await store.commands({ deviceId, state: attempt, limit: 10 })).toEqual([]);
        }
        expect(await store.latest(deviceId)).toHaveLength(1);
      }));
  });
}
