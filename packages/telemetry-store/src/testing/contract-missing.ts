import { describe, expect, it } from '@jest/globals';
import type { Readings, TelemetryRecord } from '@fieldgate/contracts';
import { eventTime, readingTime } from '../influx/point-time.js';
import type { SaidRecord } from '../telemetry-store.js';
import { withStore, type OpenStore } from './opened-store.js';
import { event, freshDevice, T0, telemetry } from './records.js';

function said(deviceId: string, readings: Readings, more: Partial<TelemetryRecord> = {}): SaidRecord {
  return telemetry(deviceId, readings, more) as SaidRecord; // of this kind
}

export function describeMissing(openStore: OpenStore): void {
  describe('what is missing', () => {
    it('is nothing of what was written, of every type and with and without seq, also after a restart', () =>
      withStore(openStore, async (store, { reopen }) => {
        const deviceId = freshDevice();
        const batch = [
          said(deviceId, { t: 21.5, zero: -0, big: 1.2345678901234568e20, on: true, s: 'a "b"\nc' }),
          said(deviceId, { t: 1, time: 2, device: 'd' }, { id: `${T0}-7`, seq: 7 }),
          said(deviceId, { t: 3 }, { id: 'own/id', seq: 8 }),
          said(deviceId, { s: 'half of a pair: \ud800b' }, { id: 'half' }),
          said(deviceId, { t: 1 }, { timeMs: T0 + 86_400_000 }),
          said(deviceId, { t: 1 }, { timeMs: T0 - 300 * 86_400_000 + 1 }),
          event(deviceId),
          event(deviceId, { timeMs: T0 - 86_400_000, id: 'has, what\n"separates"' }),
        ];
        await store.write(batch);
        expect(await store.missing(batch)).toEqual([]);
        expect(await (await reopen()).missing(batch)).toEqual([]);
      }));

    it('is a record that was never written, in the order of the batch; and what another device or time has does not stand for it', () =>
      withStore(openStore, async (store) => {
        const [deviceId, other] = [freshDevice(), freshDevice()];
        const there = said(deviceId, { t: 1 }, { id: 'a' });
        await store.write([there, said(other, { t: 1, u: 1 }, { id: 'b' }), event(other, { id: 'e' })]);
        const batch = [
          event(deviceId, { id: 'e' }),
          said(deviceId, { t: 1 }, { id: 'b' }),
          there,
          said(deviceId, { t: 1 }, { id: 'a', timeMs: T0 + 1 }),
          said(freshDevice(), { t: 1, u: 'x' }),
          event(other, { id: 'f' }),
          event(other, { id: 'e', timeMs: T0 + 1 }),
        ];
        expect(await store.missing(batch)).toEqual([
          { index: 0, metrics: [] },
          { index: 1, metrics: ['t'] },
          { index: 3, metrics: ['t'] },
          { index: 4, metrics: ['t', 'u'] },
          { index: 5, metrics: [] },
          { index: 6, metrics: [] },
        ]);
      }));

    it('names the metrics of a record that is there in part, and those that have another value', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        await store.write([said(deviceId, { a: 1, b: 2, on: true, s: 'x' }, { id: 'm' })]);
        const batch = [
          said(deviceId, { a: 1, b: 3, c: 1, on: false, s: 'x' }, { id: 'm' }),
          said(deviceId, { a: '1', on: true, s: 'y' }, { id: 'm' }),
        ];
        expect(await store.missing(batch)).toEqual([
          { index: 0, metrics: ['b', 'c', 'on'] },
          { index: 1, metrics: ['a', 's'] },
        ]);
      }));

    it('is found among ids of one millisecond whose hashes meet', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const [first, second, third] = meeting((id) => readingTime({ id, timeMs: T0 }));
        const [before, after] = meeting((id) => eventTime({ id, timeMs: T0 }));
        const batch = [
          said(deviceId, { t: 1, on: true }, { id: first }),
          said(deviceId, { t: 2, on: true }, { id: second }),
          said(deviceId, { t: 3, on: true }, { id: third }),
          event(deviceId, { id: before }),
          event(deviceId, { id: after }),
        ];
        await store.write(batch.slice(0, 2).concat(batch.slice(3, 4)));
        expect((await store.missing(batch)).map(({ index }) => index)).toEqual([2, 4]);
        await store.write(batch);
        expect(await store.missing(batch)).toEqual([]);
      }));

    it('is what can never be stored', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const batch = [
          said(deviceId, { t: 1 }, { timeMs: -1 }),
          said('a device', { t: 1 }),
          event("x' OR 1=1 --", {}),
        ];
        expect((await store.write(batch)).refused).toHaveLength(3);
        expect((await store.missing(batch)).map(({ index }) => index)).toEqual([0, 1, 2]);
      }));

    it('is found among thousands of one device and millisecond, and among many devices', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const dense = Array.from({ length: 2_500 }, (_, seq) =>
          said(deviceId, { t: seq }, { id: `${T0}-${seq}`, seq }),
        );
        const wide = Array.from({ length: 130 }, (_, at) =>
          said(freshDevice(), { t: at, on: true }, { timeMs: T0 + at }),
        );
        const batch = dense.concat(wide);
        const gone = new Set([0, 1_234, 2_499, 2_500, 2_629]);
        await store.write(batch.filter((_, index) => !gone.has(index)));
        expect((await store.missing(batch)).map(({ index }) => index)).toEqual([...gone]);
      }));

    it('is nothing of no records', () =>
      withStore(openStore, async (store) => {
        expect(await store.missing([])).toEqual([]);
      }));
  });
}

/** Ids that have one place in InfluxDB. */
function meeting(timeOf: (id: string) => string): [string, string, string] {
  const seen = new Map<string, string[]>();
  for (let number = 0; ; number++) {
    const id = `own-${number}`;
    const ids = seen.get(timeOf(id)) ?? [];
    ids.push(id);
    seen.set(timeOf(id), ids);
    const [first, second, third] = ids;
    if (first !== undefined && second !== undefined && third !== undefined) return [first, second, third];
  }
}
