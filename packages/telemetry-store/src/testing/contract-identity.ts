import { describe, expect, it } from '@jest/globals';
import type { TelemetryStore } from '../telemetry-store.js';
import { withStore, type OpenStore } from './opened-store.js';
import { freshDevice, T0, telemetry } from './records.js';

const LATE = { receivedMs: T0 + 7_200_000 };

async function pointsOf(store: TelemetryStore, deviceId: string): Promise<number> {
  const series = await store.series({ deviceId, fromMs: 0, toMs: T0 * 2, limit: 10_000 });
  return series.reduce((sum, { points }) => sum + points.length, 0);
}

export function describeIdentity(openStore: OpenStore): void {
  describe('identity', () => {
    it('keeps two readings of one millisecond with different ids as two', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([
          telemetry(deviceId, { t: 1 }, { id: 'a' }),
          telemetry(deviceId, { t: 2 }, { id: 'b' }),
          telemetry(deviceId, { t: 3 }, { id: `${T0}-7`, seq: 7 }),
          telemetry(deviceId, { t: 4 }, { id: `${T0}-8`, seq: 8 }),
        ]);
        const [series] = await store.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 });
        expect(series?.points.map(([, value]) => value).toSorted()).toEqual([1, 2, 3, 4]);
      }));

    it('keeps two readings of one millisecond and one seq as two when the device gives them ids of its own', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([
          telemetry(deviceId, { t: 1 }, { id: 'a', seq: 0 }),
          telemetry(deviceId, { t: 2 }, { id: 'b', seq: 0 }),
        ]);
        await store.write([telemetry(deviceId, { t: 3 }, { id: 'c', seq: 0 })]);
        await store.write([telemetry(deviceId, { t: 4 }, { id: `${T0}-0`, seq: 0 })]);
        await store.write([telemetry(deviceId, { t: 2 }, { id: 'b', seq: 0, ...LATE })]);
        const [series] = await store.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 });
        expect(series?.points.map(([, value]) => value).toSorted()).toEqual([1, 2, 3, 4]);
      }));

    it('keeps 20,000 readings of one millisecond with ids of the device’s own, of a gateway, and of elements driven again', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const ids = Array.from({ length: 5_000 }, (_, index) => [
          `own-${index}`,
          `own-${5_000 + index}`,
          `~mfk1a-${index.toString(36)}`,
          `redriven-0-7/${index}`,
        ]);
        const batch = ids.flat().map((id, index) => telemetry(deviceId, { t: index }, { id }));
        await store.write(batch);
        await store.write(batch);
        const query = { deviceId, fromMs: T0, toMs: T0 + 1, limit: 1 };
        const counted = await store.series({ ...query, downsample: { everyMs: 1_000, aggregate: 'count' } });
        expect(counted.map(({ points }) => points)).toEqual([[[T0, 20_000]]]);
      }));

    it('keeps 1,000 readings of one millisecond, in the order of seq', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const order = Array.from({ length: 1_000 }, (_, index) => (index * 7) % 1_000);
        await store.write(order.map((seq) => telemetry(deviceId, { t: seq }, { id: `${T0}-${seq}`, seq })));
        const [series] = await store.series({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10_000 });
        expect(series?.points.map(([, value]) => value)).toEqual(
          Array.from({ length: 1_000 }, (_, seq) => seq),
        );
        expect(await store.latest(deviceId)).toEqual([{ metric: 't', timeMs: T0, value: 999 }]);
      }));

    it('stores a batch once that is written again, as after a crash between the store and the log', () =>
      withStore(openStore, async (store, { reopen }) => {
        const deviceId = freshDevice();
        const batch = Array.from({ length: 50 }, (_, index) =>
          telemetry(deviceId, { t: index, on: true, mode: 'auto' }, { timeMs: T0 + index }),
        );
        await store.write(batch);
        await store.write(batch);
        expect(await pointsOf(store, deviceId)).toBe(150);
        const again = await reopen();
        await again.write([...batch.slice(20), telemetry(deviceId, { t: 50 }, { timeMs: T0 + 50 })]);
        expect(await pointsOf(again, deviceId)).toBe(151);
      }));

    it('stores a record once that a device sends again hours later, and that a batch holds twice', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([telemetry(deviceId, { t: 1, on: true }, { id: 'own-id' })]);
        await store.write([telemetry(deviceId, { t: 1, on: true }, { id: 'own-id', ...LATE })]);
        await store.write([
          telemetry(deviceId, { t: 2 }, { id: `${T0 + 1}-4`, seq: 4, timeMs: T0 + 1, ...LATE }),
          telemetry(deviceId, { t: 2 }, { id: `${T0 + 1}-4`, seq: 4, timeMs: T0 + 1, ...LATE }),
        ]);
        expect(await pointsOf(store, deviceId)).toBe(3);
      }));

    it('stores a record once that a device sends again at once, also after a restart and among others', () =>
      withStore(openStore, async (store, { reopen }) => {
        const deviceId = freshDevice();
        const sent = (offset: number) =>
          telemetry(deviceId, { t: offset, on: true, s: 'x' }, { id: `own-${offset}`, timeMs: T0 + offset });
        await store.write([sent(0), sent(1), sent(0), sent(2)]);
        await store.write([sent(2), sent(3), sent(1)]);
        expect(await pointsOf(store, deviceId)).toBe(12);
        const again = await reopen();
        await again.write([sent(3), sent(4), sent(0), sent(3)]);
        expect(await pointsOf(again, deviceId)).toBe(15);
      }));

    it('stores late readings that it has not had', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([telemetry(deviceId, { t: 1 }, { id: 'a' })]);
        await store.write([
          telemetry(deviceId, { t: 1 }, { id: 'b', ...LATE }),
          telemetry(deviceId, { t: 1 }, { id: 'a', timeMs: T0 + 1, ...LATE }),
          telemetry(deviceId, { u: 1 }, { id: 'a', ...LATE }),
        ]);
        expect(await pointsOf(store, deviceId)).toBe(4);
      }));
  });
}
