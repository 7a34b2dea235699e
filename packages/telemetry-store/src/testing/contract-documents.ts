import { describe, expect, it } from '@jest/globals';
import { withStore, type OpenStore } from './opened-store.js';
import { command, event, freshDevice, T0 } from './records.js';

export function describeDocuments(openStore: OpenStore): void {
  describe('events', () => {
    it('keeps every field', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const full = event(deviceId, {
          event: 'door "open", x=1',
          state: 'info',
          severity: 'critical',
          seq: 12,
          details: { text: 'a "b"\n\\', list: [1, { deep: null }], grüße: true },
        });
        const plain = event(deviceId, { timeMs: T0 - 1 });
        await store.write([full, plain]);
        expect(await store.events({ deviceId, fromMs: 0, toMs: T0 * 2, limit: 10 })).toEqual([
          full.record,
          plain.record,
        ]);
      }));

    it('filters by device, event and range, the newest first', () =>
      withStore(openStore, async (store) => {
        const [one, two] = [freshDevice(), freshDevice()];
        const kind = `leak-${one}`;
        await store.write(
          [0, 30, 10, 20].map((offset) =>
            event(one, { timeMs: T0 + offset, event: offset === 10 ? 'other' : kind }),
          ),
        );
        await store.write([event(two, { timeMs: T0 + 15, event: kind })]);
        const times = async (query: { deviceId?: string; event?: string }, limit = 10): Promise<number[]> =>
          (await store.events({ ...query, fromMs: T0, toMs: T0 + 30, limit })).map(
            ({ timeMs }) => timeMs - T0,
          );
        expect(await times({ deviceId: one })).toEqual([20, 10, 0]);
        expect(await times({ deviceId: one }, 1)).toEqual([20]);
        expect(await times({ deviceId: one, event: kind })).toEqual([20, 0]);
        expect(await times({ event: kind })).toEqual([20, 15, 0]);
      }));

    it('keeps two events of one millisecond as two, and the same event again as one', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const first = event(deviceId, { id: 'a' });
        await store.write([first, event(deviceId, { id: 'b' }), first]);
        await store.write([first]);
        await store.write([event(deviceId, { id: 'a' })]);
        const events = await store.events({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 10 });
        expect(events.map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
      }));

    it('keeps details as large as a message may be', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const large = event(deviceId, { details: { text: 'ä'.repeat(60_000) } });
        expect(await store.write([large])).toEqual({ refused: [] });
        expect(await store.events({ deviceId, fromMs: T0, toMs: T0 + 1, limit: 1 })).toEqual([large.record]);
      }));
  });

  describe('commands', () => {
    it('finds a command by its id, with every field', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const written = [
          command(deviceId),
          command(deviceId, {
            id: `${deviceId}'s "own" id, x=1 \\`,
            params: null,
            state: 'failed',
            attempt: { number: 2, gateway: 'gw-1', connection: 'c', qos: 1, sentAt: T0, deliveredAt: T0 + 1 },
            result: { status: 500, body: { encoding: 'text', text: 'broken\n"' } },
          }),
        ];
        await store.write(written);
        for (const { record } of written) expect(await store.command(record.id)).toEqual(record);
        expect(await store.command('never-requested')).toBeUndefined();
      }));

    it('replaces a command by itself: a late answer comes after the final state', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const first = command(deviceId, { state: 'timed-out' });
        if (first.kind !== 'command') throw new Error('not a command');
        const late = { at: T0 + 9, status: 200, body: { encoding: 'none' } } as const;
        const second = { ...first, record: { ...first.record, late } };
        await store.write([first]);
        await store.write([second]);
        await store.write([first, second]);
        expect(await store.command(first.record.id)).toEqual(second.record);
        expect(await store.commands({ deviceId, limit: 10 })).toEqual([second.record]);
      }));

    it('filters by device and state, the newest requested first', () =>
      withStore(openStore, async (store) => {
        const [one, two] = [freshDevice(), freshDevice()];
        const at = [20, 0, 10].map((offset) =>
          command(one, { requestedAt: T0 + offset, state: offset === 10 ? 'failed' : 'succeeded' }),
        );
        await store.write([...at, command(two, { requestedAt: T0 + 5, state: 'failed' })]);
        const offsets = async (query: {
          deviceId?: string;
          state?: string;
          limit: number;
        }): Promise<number[]> => (await store.commands(query)).map(({ requestedAt }) => requestedAt - T0);
        expect(await offsets({ deviceId: one, limit: 10 })).toEqual([20, 10, 0]);
        expect(await offsets({ deviceId: one, limit: 2 })).toEqual([20, 10]);
        expect(await offsets({ deviceId: one, state: 'succeeded', limit: 10 })).toEqual([20, 0]);
        const failed = await store.commands({ state: 'failed', limit: 1_000 });
        expect(
          failed
            .filter(({ deviceId }) => deviceId === one || deviceId === two)
            .map(({ requestedAt }) => requestedAt - T0),
        ).toEqual([10, 5]);
      }));

    it('keeps two commands of one device and millisecond as two', () =>
      withStore(openStore, async (store) => {
        const deviceId = freshDevice();
        const both = [command(deviceId), command(deviceId)];
        await store.write(both);
        for (const { record } of both) expect(await store.command(record.id)).toEqual(record);
        expect(await store.commands({ deviceId, limit: 10 })).toHaveLength(2);
      }));
  });
}
