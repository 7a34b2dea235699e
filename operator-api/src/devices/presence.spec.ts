import { GATEWAY_LOST_MS } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { DeviceTables } from './device-tables.js';
import { PresenceOfDevices } from './presence.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => {
  jest.useRealTimers();
  return api.stop();
});

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
    api.clock.ms += 5000;
    api.store.latestReadings.set('pump-7', [
      { metric: 'a', timeMs: NOW + 1000, value: 1 },
      { metric: 'b', timeMs: NOW + 4000, value: 2 },
    ]);
    expect(await presence()).toEqual({
      connected: true,
      commandReady: true,
      lastReportedAt: '2026-11-20T21:30:04.000Z',
    });
    await api.device('pump-7').disconnect();
    expect(await presence()).toMatchObject({ connected: false, commandReady: false });
  });

  it('does not believe a gateway that has been silent for too long', async () => {
    await api.device('pump-7').connect();
    api.monotonic.ms += GATEWAY_LOST_MS;
    expect(await presence()).toEqual({ connected: false, commandReady: false });
    await api.device('pump-7').heartbeat();
    expect(await presence()).toEqual({ connected: true, commandReady: true });
  });

  it('does not mind a gateway whose clock is an hour off', async () => {
    await api.device('pump-7').connect();
    await api.device('pump-7').heartbeat(-3_600_000);
    expect(await presence()).toEqual({ connected: true, commandReady: true });
  });

  it.each([3_600_000, -3_600_000])('does not mind its own clock being set by %i ms', async (jump) => {
    await api.device('pump-7').connect();
    api.clock.ms += jump;
    expect(await presence()).toEqual({ connected: true, commandReady: true });
  });

  it('does not take a log that was away for gateways that are silent', async () => {
    await api.device('pump-7').connect();
    api.log.goAway();
    expect(await presence()).toMatchObject({ connected: true });
    api.monotonic.ms += 60_000;
    expect(await presence()).toMatchObject({ connected: true });
    api.log.comeBack();
    expect(await presence()).toMatchObject({ connected: true });
    api.monotonic.ms += GATEWAY_LOST_MS;
    expect(await presence()).toMatchObject({ connected: false });
  });

  it('notices that the log was away also when nobody has asked meanwhile', async () => {
    const unasked = new PresenceOfDevices(api.get(DeviceTables), api.log, api.monotonic);
    await api.device('pump-7').connect();
    jest.useFakeTimers();
    unasked.onApplicationBootstrap();
    api.log.goAway();
    jest.advanceTimersByTime(1_000);
    api.monotonic.ms += 60_000;
    api.log.comeBack();
    expect(unasked.session('pump-7')).toBeDefined();
    unasked.beforeApplicationShutdown();
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
