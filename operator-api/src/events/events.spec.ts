import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('GET /v1/events', () => {
  it('shows events without what only the ledger asks for, and asks for the last day', async () => {
    api.store.eventsAnswer = [
      {
        deviceId: 'pump-7',
        id: '1',
        timeMs: NOW - 10,
        receivedMs: NOW,
        event: 'overheating',
        state: 'raised',
        severity: 'critical',
        seq: 3,
        details: { limit: 80 },
        connection: '9f0c1d2e3a4b5c6d',
      },
    ];
    expect((await api.call('GET /v1/events')).body).toEqual({
      events: [
        {
          deviceId: 'pump-7',
          id: '1',
          type: 'overheating',
          state: 'raised',
          severity: 'critical',
          seq: 3,
          details: { limit: 80 },
          time: '2026-11-20T21:29:59.990Z',
          receivedTime: '2026-11-20T21:30:00.000Z',
        },
      ],
    });
    expect(api.store.eventQueries).toEqual([{ fromMs: NOW - 86_400_000, toMs: NOW + 300_000, limit: 100 }]);
  });

  it('asks for what the query says', async () => {
    await api.call('GET /v1/events?device=pump-7&type=connected&from=1&to=2&limit=5');
    expect(api.store.eventQueries).toEqual([
      { deviceId: 'pump-7', event: 'connected', fromMs: 1, toMs: 2, limit: 5 },
    ]);
  });

  it.each(['device=-', 'type=a%20b', 'limit=1001', 'from=2&to=1', 'unknown=1'])(
    'refuses %s',
    async (query) => {
      expect(await api.call(`GET /v1/events?${query}`)).toMatchObject({ status: 422 });
    },
  );
});
