import { describe, expect, it } from '@jest/globals';
import type { Alert } from '@fieldgate/contracts';
import type { AlertQuery, StoreRecord } from '../telemetry-store.js';
import { withStore, type OpenStore } from './opened-store.js';
import { acknowledged, alert, cleared, escalated, freshDevice, raised, T0 } from './records.js';

const HOUR = { fromMs: T0, toMs: T0 + 3_600_000, limit: 100 };
/** What comes last of three steps that came in every order, and then again. */
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

export function describeAlerts(openStore: OpenStore): void {
  describe('alerts', () => {
    it('keeps every field', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const condition: Alert = {
          id: `${deviceId}~event.door.open-1~${T0}`,
          deviceId,
          rule: 'event.door.open-1',
          kind: 'condition',
          severity: 'critical',
          text: 'a "b"\n\\ x=1, grüße',
          event: 'door.open-1',
          since: T0,
          raisedAt: T0,
          receivedAt: T0 + 7_200_000,
        };
        await store.write([raised(condition), raised(alert(deviceId, { value: 'on' }))]);
        expect(await store.alert(condition.id)).toEqual(condition);
        expect(await store.alerts({ deviceId, ...HOUR })).toEqual([
          condition,
          alert(deviceId, { value: 'on' }),
        ]);
        await store.write([cleared(condition, { clearReason: 'device-deleted', peak: 3 })]);
        expect(await store.alert(condition.id)).toEqual({
          ...condition,
          peak: 3,
          clearedAt: T0 + 60_000,
          clearReason: 'device-deleted',
        });
        for (const id of ['nonsense', `${deviceId}~too-hot~1`, `${deviceId}~too-hot~0${T0}`])
          expect(await store.alert(id)).toBeUndefined();
      }));

    it.each(ORDERS)('takes the steps in any order and again: %d, %d, %d', (...order) =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const open = alert(deviceId);
        const ended: Partial<Alert> = { peak: 99, severity: 'critical' };
        const steps: readonly StoreRecord[] = [
          raised(open),
          acknowledged(open, { note: 'on my way' }),
          cleared(open, ended),
        ];
        const written = order.flatMap((at) => steps[at] ?? []);
        for (const entry of written) await store.write([entry]);
        const { acknowledgement, ...after } = (await store.alert(open.id)) ?? {};
        expect(acknowledgement).toEqual({ at: T0 + 30_000, by: 'admin', note: 'on my way' });
        expect(after).toEqual({ ...open, ...ended, clearedAt: T0 + 60_000, clearReason: 'condition' });
        await store.write([...written, ...written]);
        for (const entry of written.toReversed()) await store.write([entry]);
        expect(await store.alerts({ deviceId, ...HOUR })).toEqual([{ ...after, acknowledgement }]);
        expect(
          await store.alerts({ deviceId, ...HOUR, state: 'cleared', severity: 'critical' }),
        ).toHaveLength(1);
        for (const elsewhere of [
          { state: 'open' },
          { state: 'acknowledged' },
          { severity: 'warning' },
        ] as const)
          expect(await store.alerts({ deviceId, ...HOUR, ...elsewhere })).toEqual([]);
      }),
    );

    it('an alert that has become worse is so in whatever order its steps come, acknowledged or not', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const one = alert(deviceId);
        const two = alert(deviceId, { rule: 'silent' });
        const worse = { severity: 'critical', escalatedAt: T0 + 10_000 } as const;
        await store.write([raised(one), escalated(one), acknowledged(one)]);
        await store.write([escalated(two)]);
        await store.write([raised(two)]);
        const by = { at: T0 + 30_000, by: 'admin' };
        expect(await store.alert(one.id)).toEqual({ ...one, ...worse, acknowledgement: by });
        const query = { deviceId, ...HOUR, severity: 'critical' } as const;
        expect(await store.alerts({ ...query, state: 'open' })).toEqual([{ ...two, ...worse }]);
        expect(await store.alerts({ ...query, state: 'acknowledged' })).toHaveLength(1);
        await store.write([cleared(two, worse), escalated(two)]);
        expect(await store.alerts({ ...query, state: 'cleared' })).toMatchObject([
          { ...worse, clearedAt: T0 + 60_000 },
        ]);
      }));

    it('an acknowledged alert is open no longer, and not cleared; raised again it stays so', () =>
      withStore(openStore, async (store) => {
        const open = alert(freshDevice());
        await store.write([raised(open), acknowledged({ ...open, peak: 85 })]);
        await store.write([raised(open)]);
        expect(await store.alert(open.id)).toEqual({
          ...open,
          peak: 85,
          acknowledgement: { at: T0 + 30_000, by: 'admin' },
        });
        const query = { deviceId: open.deviceId, ...HOUR };
        expect(await store.alerts({ ...query, state: 'acknowledged' })).toHaveLength(1);
        expect(await store.alerts({ ...query, state: 'open' })).toEqual([]);
      }));

    it('filters by device, rule, severity, state and when it was raised, the newest raised first', () =>
      withStore(openStore, async (store) => {
        const [one, two] = [freshDevice(), freshDevice()];
        const at = (offset: number, more: Partial<Alert> = {}): Alert =>
          alert(one, { raisedAt: T0 + offset, ...more });
        const shared = `rule-${one.slice(0, 50)}`;
        await store.write([
          raised(at(10)),
          cleared(at(0, { severity: 'info' })),
          raised(at(20, { rule: shared, severity: 'critical' })),
          acknowledged(at(30)),
          raised(at(20)),
          raised(alert(two, { raisedAt: T0 + 20, rule: shared })),
        ]);
        const offsets = async (query: Partial<AlertQuery>): Promise<number[]> =>
          (await store.alerts({ ...HOUR, ...query })).map(({ raisedAt }) => raisedAt - T0);
        expect(await offsets({ deviceId: one })).toEqual([30, 20, 20, 10, 0]);
        expect(await offsets({ deviceId: one, limit: 2 })).toEqual([30, 20]);
        expect(await offsets({ deviceId: one, fromMs: T0 + 10, toMs: T0 + 30 })).toEqual([20, 20, 10]);
        expect(await offsets({ deviceId: one, rule: 'too-hot' })).toEqual([30, 20, 10, 0]);
        expect(await offsets({ deviceId: one, severity: 'critical' })).toEqual([20]);
        expect(await offsets({ deviceId: one, state: 'open' })).toEqual([20, 20, 10]);
        expect(await offsets({ deviceId: one, state: 'open', limit: 1 })).toEqual([20]);
        expect(await offsets({ deviceId: one, state: 'acknowledged' })).toEqual([30]);
        expect(await offsets({ deviceId: one, state: 'cleared' })).toEqual([0]);
        const both = await store.alerts({ ...HOUR, rule: shared });
        expect(both.map(({ deviceId }) => deviceId)).toEqual([one, two].toSorted());
      }));

    it('finds the few of one state among thousands', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const many = Array.from({ length: 2_500 }, (_, index) =>
          alert(deviceId, { raisedAt: T0 + Math.floor(index / 5), rule: `r${index % 5}` }),
        );
        await store.write(many.map((each, index) => (index % 500 === 7 ? raised(each) : cleared(each))));
        const open = await store.alerts({ deviceId, ...HOUR, state: 'open' });
        expect(open.map(({ raisedAt }) => raisedAt - T0)).toEqual([401, 301, 201, 101, 1]);
        const all = await store.alerts({ deviceId, ...HOUR, limit: 10_000 });
        expect(all.map(({ id }) => id)).toEqual(
          many.toSorted((a, b) => b.raisedAt - a.raisedAt || (a.id < b.id ? -1 : 1)).map(({ id }) => id),
        );
      }));
  });
}
