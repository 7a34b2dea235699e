import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  await api.call('POST /v1/devices', { id: 'pump-7' });
});

afterEach(() => api.stop());

describe('GET /v1/devices/{id}/latest', () => {
  it('shows the newest reading of each metric, and none of an earlier device of this id', async () => {
    api.store.latestReadings.set('pump-7', [
      { metric: 'earlier', timeMs: NOW - 86_400_001, value: 1 },
      { metric: 'running', timeMs: NOW - 3_600_000, value: true },
      { metric: 'temperature', timeMs: NOW, value: 71.4 },
    ]);
    expect((await api.call('GET /v1/devices/pump-7/latest')).body).toEqual({
      deviceId: 'pump-7',
      readings: {
        running: { value: true, time: '2026-11-20T20:30:00.000Z' },
        temperature: { value: 71.4, time: '2026-11-20T21:30:00.000Z' },
      },
    });
  });

  it('answers 404 for a device that is not registered, and 503 while the store is away', async () => {
    expect(await api.call('GET /v1/devices/nobody/latest')).toMatchObject({ status: 404 });
    api.store.away = true;
    const answer = await api.call('GET /v1/devices/pump-7/latest');
    expect(answer).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

describe('GET /v1/devices/{id}/telemetry', () => {
  it('asks for the last hour of everything', async () => {
    api.store.seriesAnswer = [{ metric: 'temperature', points: [[NOW, 71.4]] }];
    const answer = await api.call('GET /v1/devices/pump-7/telemetry');
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      deviceId: 'pump-7',
      series: [{ metric: 'temperature', points: [[NOW, 71.4]] }],
    });
    expect(api.store.seriesQueries).toEqual([
      { deviceId: 'pump-7', fromMs: NOW - 3_600_000, toMs: NOW + 300_000, limit: 1000 },
    ]);
  });

  it('asks for what the query says', async () => {
    const query =
      'metric=temperature&metric=flow.rate&from=1000&to=1970-01-01T00:01:00Z&every=10s&aggregate=max&limit=10000';
    await api.call(`GET /v1/devices/pump-7/telemetry?${query}`);
    expect(api.store.seriesQueries).toEqual([
      {
        deviceId: 'pump-7',
        metrics: ['temperature', 'flow.rate'],
        fromMs: 1000,
        toMs: 60_000,
        limit: 10_000,
        downsample: { everyMs: 10_000, aggregate: 'max' },
      },
    ]);
  });

  it.each([
    ['1m', 60_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
  ])('takes every=%s, and the mean', async (every, everyMs) => {
    await api.call(`GET /v1/devices/pump-7/telemetry?every=${every}`);
    expect(api.store.seriesQueries[0]?.downsample).toEqual({ everyMs, aggregate: 'mean' });
  });

  it.each([
    ['every=0s', 'every'],
    ['every=1w', 'every'],
    ['every=400d', 'every'],
    ['aggregate=mean', 'aggregate'],
    ['every=1m&aggregate=median', 'aggregate'],
    ['limit=10001', 'limit'],
    ['from=yesterday', 'from'],
    ['from=2000&to=2000', 'to'],
    ['metric=1st', 'metric.0'],
  ])('refuses %s', async (query, path) => {
    const answer = await api.call(`GET /v1/devices/pump-7/telemetry?${query}`);
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request', errors: [{ path }] } });
    expect(api.store.seriesQueries).toEqual([]);
  });
});
