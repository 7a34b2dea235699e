import { describe, expect, it } from '@jest/globals';
import { withStore, type OpenStore } from './opened-store.js';
import { alert, cleared, command, event, freshDevice, raised, T0, telemetry } from './records.js';

export function describeLife(openStore: OpenStore): void {
  describe('life', () => {
    it('names what it refuses for good by its index, and stores the neighbours', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const outcome = await store.write([
          telemetry(deviceId, { a: 1 }),
          telemetry(deviceId, { 'not a name': 1 }),
          telemetry(deviceId, { b: 2 }),
          telemetry(deviceId, { c: 3 }, { timeMs: 8.64e15 }),
          telemetry(`not a,device=id`, { t: 1 }),
          telemetry(deviceId, { n: Number.NaN }),
          telemetry(deviceId, { s: 1 }, { seq: 1.5 }),
          event(deviceId),
          command(deviceId),
          telemetry(deviceId, { d: 'x' }),
          raised(alert(deviceId, { id: 'its own' })),
          raised(alert(deviceId, { rule: 'no, rule' })),
          cleared(alert(deviceId), { clearedAt: undefined }),
          raised(alert(deviceId)),
        ]);
        expect(outcome.refused.map(({ index, code }) => [index, code])).toEqual(
          [1, 3, 4, 5, 6, 10, 11, 12].map((index) => [index, 'store-refused']),
        );
        for (const { detail } of outcome.refused) expect(detail.length).toBeGreaterThan(10);
        expect((await store.latest(deviceId)).map(({ metric }) => metric)).toEqual(['a', 'b', 'd']);
        expect(await store.events({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 })).toHaveLength(1);
        expect(await store.commands({ deviceId, limit: 10 })).toHaveLength(1);
        expect(await store.alerts({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 })).toEqual([
          alert(deviceId),
        ]);
      }));

    it('takes an empty batch, large batches, and many at the same time', () =>
      withStore(openStore, async (store) => {
        const devices = Array.from({ length: 8 }, freshDevice);
        expect(await store.write([])).toEqual({ refused: [] });
        const outcomes = await Promise.all(
          devices.map((deviceId) =>
            store.write(
              Array.from({ length: 1_500 }, (_, index) =>
                telemetry(deviceId, { t: index, on: true }, { timeMs: T0 + index }),
              ),
            ),
          ),
        );
        expect(outcomes).toEqual(devices.map(() => ({ refused: [] })));
        for (const deviceId of devices) {
          const series = await store.series({ deviceId, fromMs: T0, toMs: T0 + 10_000, limit: 10_000 });
          expect(series.map(({ points }) => points.length)).toEqual([1_500, 1_500]);
        }
      }));

    it('keeps everything when it is closed and opened again', () =>
      withStore(openStore, async (store, { reopen }) => {
        const deviceId = freshDevice();
        const records = [event(deviceId), command(deviceId)] as const;
        const open = alert(deviceId);
        await store.write([telemetry(deviceId, { n: 1.5, b: false, s: 'x' }), ...records, raised(open)]);
        const again = await reopen();
        expect(again.problem()).toBeUndefined();
        expect(await again.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 })).toEqual([
          { metric: 'b', points: [[T0, false]] },
          { metric: 'n', points: [[T0, 1.5]] },
          { metric: 's', points: [[T0, 'x']] },
        ]);
        expect(await again.events({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 })).toEqual([
          records[0].record,
        ]);
        expect(await again.commands({ deviceId, limit: 10 })).toEqual([records[1].record]);
        expect(await again.alert(open.id)).toEqual(open);
      }));

    it('is well while it runs; stopped, it says so and answers store-unavailable, which is worth a retry', () =>
      withStore(openStore, async (store) => {
        expect(store.problem()).toBeUndefined();
        await store.start();
        await store.stop();
        await store.stop();
        expect(store.problem()).toEqual(expect.any(String));
        const unavailable = expect.objectContaining({ code: 'store-unavailable', retriable: true });
        const deviceId = freshDevice();
        const range = { fromMs: 0, toMs: T0, limit: 1 };
        await expect(store.write([telemetry(deviceId, { t: 1 })])).rejects.toEqual(unavailable);
        await expect(store.latest(deviceId)).rejects.toEqual(unavailable);
        await expect(store.series({ deviceId, ...range })).rejects.toEqual(unavailable);
        await expect(store.events(range)).rejects.toEqual(unavailable);
        await expect(store.command('x')).rejects.toEqual(unavailable);
        await expect(store.commands({ limit: 1 })).rejects.toEqual(unavailable);
        await expect(store.alert(alert(deviceId).id)).rejects.toEqual(unavailable);
        await expect(store.alerts(range)).rejects.toEqual(unavailable);
      }));
  });
}
