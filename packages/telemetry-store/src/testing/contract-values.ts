import { describe, expect, it } from '@jest/globals';
import type { ReadingValue } from '@fieldgate/contracts';
import { withStore, type OpenStore } from './opened-store.js';
import { freshDevice, T0, telemetry } from './records.js';

const HOUR_MS = 3_600_000;

export function describeValues(openStore: OpenStore): void {
  describe('values and names', () => {
    it.each<[string, ReadingValue[]]>([
      ['numbers', [21.5, -40, 0, -0, 1e308, -1e308, 5e-324, 1e21, 0.1]],
      [
        'integers, also beyond 2^53 as a double holds them',
        [42, 9_007_199_254_740_991, Number('9007199254740993'), 1.2345678901234568e20],
      ],
      ['booleans', [true, false]],
      [
        'texts',
        ['on', '', ' ', 'a "quoted" text', "it's", 'back\\slash', 'ends with \\', '\\"', '\\n', 'C:\\new\\'],
      ],
      [
        'texts with what separates fields and lines',
        ['a,b=c d', 'a\nb', '\r\n', '\t', 'x=1,y="2" 123', ';--'],
      ],
      [
        'texts in every script',
        ['Grüße', '温度', '🌡️ 71 °C', 'مرحبا', '\u0001', 'z\u0000z', '\u2028', 'x'.repeat(1_024)],
      ],
    ])('keeps %s as given', (_, values) =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write(
          values.map((value, index) =>
            telemetry(deviceId, { metric: value }, { timeMs: T0 + index, seq: index }),
          ),
        );
        const [series] = await store.series({ deviceId, fromMs: T0, toMs: T0 + HOUR_MS, limit: 100 });
        expect(series?.points).toEqual(values.map((value, index) => [T0 + index, value]));
      }),
    );

    it('keeps readings of every type in one record, under names with every character that is allowed', () =>
      withStore(openStore, async (store) => {
        const deviceId = `D.${freshDevice()}_x-1.`;
        const readings = {
          'bearing.front:temp-1': 71.5,
          _private: true,
          Z: 'text',
          'a.b.c': 1,
          'a:b': 2,
          'a-b': 3,
          ['m'.repeat(64)]: 4,
          ['n.:-_'.repeat(12)]: false,
        };
        await store.write([telemetry(deviceId, readings)]);
        const latest = await store.latest(deviceId);
        expect(Object.fromEntries(latest.map(({ metric, value }) => [metric, value]))).toEqual(readings);
        expect(latest.map(({ metric }) => metric)).toEqual(Object.keys(readings).toSorted());
      }));

    it('keeps metrics that are named like a column, a tag or a word of a query language', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const names = [
          'time',
          'time_',
          'device',
          'device_',
          'device__',
          'name',
          'value',
          'id',
          'seq',
          'select',
          'from',
          'WHERE',
          'series',
          'constructor',
          'toString',
          '_field',
        ];
        const readings = Object.fromEntries(names.map((metric, index) => [metric, index]));
        await store.write([
          telemetry(deviceId, readings),
          telemetry(deviceId, { device: 'text', time: true }, { timeMs: T0 + 1 }),
        ]);
        const latest = await store.latest(deviceId);
        expect(Object.fromEntries(latest.map(({ metric, value }) => [metric, value]))).toEqual({
          ...readings,
          device: 'text',
          time: true,
        });
        const [series] = await store.series({
          deviceId,
          metrics: ['device_'],
          fromMs: T0,
          toMs: T0 + 1,
          limit: 10,
        });
        expect(series).toEqual({ metric: 'device_', points: [[T0, 3]] });
      }));

    it('keeps a metric that changes its type over time, each value as it came', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const values: ReadingValue[] = [1, 'two', true, 4, false];
        await store.write(
          values.map((value, index) => telemetry(deviceId, { state: value }, { timeMs: T0 + index * 10 })),
        );
        const query = { deviceId, fromMs: T0, toMs: T0 + HOUR_MS };
        expect(await store.series({ ...query, limit: 100 })).toEqual([
          { metric: 'state', points: values.map((value, index) => [T0 + index * 10, value]) },
        ]);
        expect((await store.series({ ...query, limit: 2 }))[0]?.points).toEqual([
          [T0, 1],
          [T0 + 10, 'two'],
        ]);
        expect(await store.latest(deviceId)).toEqual([{ metric: 'state', timeMs: T0 + 40, value: false }]);
      }));

    it('keeps 256 metrics of one record', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const readings = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`m${index}`, index]));
        await store.write([telemetry(deviceId, readings)]);
        expect(await store.latest(deviceId)).toHaveLength(256);
        expect(await store.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 1 })).toHaveLength(256);
      }));
  });
}
