import { GATEWAY_LOST_MS } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

describe('GET /v1/devices/{id}', () => {
  beforeEach(async () => {
    await api.call('POST /v1/devices', { id: 'pump-7' });
  });

  async function presence(): Promise<unknown> {
    const { body } = await api.call('GET /v1/devices/pump-7');
    return (body as { presence: unknown }).presence; // the shape is what is tested
  }

  it('tells the three facts of presence apart', async () => {
    expect(await presence()).toEqual({ connected: false, commandReady: false });
    await api.device('pump-7').connect([]);
    expect(await presence()).toEqual({ connected: true, commandReady: false });
    await api.device('pump-7').connect(['devices/pump-7/commands/+/reboot']);
    expect(await presence()).toEqual({ connected: true, commandReady: false });
    await api.device('pump-7').connect(['devices/pump-7/commands/#']);
    api.store.latestReadings.set('pump-7', [
      { metric: 'a', timeMs: NOW - 5000, value: 1 },
      { metric: 'b', timeMs: NOW - 1000, value: 2 },
    ]);
    expect(await presence()).toEqual({
      connected: true,
      commandReady: true,
      lastReportedAt: '2026-11-20T21:29:59.000Z',
    });
    await api.device('pump-7').disconnect();
    expect(await presence()).toMatchObject({ connected: false, commandReady: false });
  });

  it('does not believe a gateway that has been silent for too long', async () => {
    await api.device('pump-7').connect();
    api.clock.ms += GATEWAY_LOST_MS + 1;
    expect(await presence()).toEqual({ connected: false, commandReady: false });
    await api.device('pump-7').heartbeat();
    expect(await presence()).toEqual({ connected: true, commandReady: true });
  });

  it('does not mind a gateway whose clock is an hour off', async () => {
    await api.device('pump-7').connect();
    await api.device('pump-7').heartbeat(-3_600_000);
    expect(await presence()).toEqual({ connected: true, commandReady: true });
  });

  it('answers without the last report while the store is away', async () => {
    api.store.away = true;
    expect(await presence()).toEqual({ connected: false, commandReady: false });
  });

  it('answers 404 for a device that is not registered', async () => {
    const answer = await api.call('GET /v1/devices/nobody');
    expect(answer).toMatchObject({ status: 404, body: { code: 'device-not-found' } });
  });
});
