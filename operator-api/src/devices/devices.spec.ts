import { deviceRecordSchema, secretMatches, type DeviceRecord } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { DeviceTables } from './device-tables.js';

let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
});

afterEach(() => api.stop());

function record(id: string): DeviceRecord {
  return deviceRecordSchema.parse(api.get(DeviceTables).devices.get(id));
}

describe('a registered device', () => {
  beforeEach(async () => {
    await api.call('POST /v1/devices', { id: 'pump-7', type: 'pump', labels: { site: 'berlin', line: '1' } });
  });

  it('is changed by PATCH, and null removes', async () => {
    api.clock.ms += 1000;
    const answer = await api.call('PATCH /v1/devices/pump-7', {
      type: null,
      labels: { line: null, site: 'oslo', owner: 'ann' },
    });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      id: 'pump-7',
      labels: { site: 'oslo', owner: 'ann' },
      createdAt: '2026-11-20T21:30:00.000Z',
      updatedAt: '2026-11-20T21:30:01.000Z',
    });
  });

  it('loses all labels by null (RFC 7396)', async () => {
    const answer = await api.call('PATCH /v1/devices/pump-7', { labels: null });
    expect(answer).toMatchObject({ status: 200, body: { type: 'pump', labels: {} } });
    expect(record('pump-7').labels).toEqual({});
  });

  it.each([{}, { labels: {} }, { type: 'pump', labels: { line: '1', owner: null } }])(
    'is as it was after %j',
    async (patch) => {
      const before = record('pump-7');
      api.clock.ms += 1000;
      const answer = await api.call('PATCH /v1/devices/pump-7', patch);
      expect(answer).toMatchObject({ status: 200, body: { updatedAt: '2026-11-20T21:30:00.000Z' } });
      expect(record('pump-7')).toEqual(before);
    },
  );

  it('keeps both of two changes at once', async () => {
    await Promise.all([
      api.call('PATCH /v1/devices/pump-7', { labels: { one: '1' } }),
      api.call('PATCH /v1/devices/pump-7', { labels: { two: '2' } }),
    ]);
    expect(record('pump-7').labels).toEqual({ site: 'berlin', line: '1', one: '1', two: '2' });
  });

  it.each([{ labels: { 'not a name': 'x' } }, { type: '' }, { id: 'other' }, { labels: { a: 1 } }, []])(
    'is not changed by %j',
    async (patch) => {
      const before = record('pump-7');
      expect(await api.call('PATCH /v1/devices/pump-7', patch)).toMatchObject({
        status: 422,
        body: { code: 'invalid-request' },
      });
      expect(record('pump-7')).toEqual(before);
    },
  );

  it('gets a new secret', async () => {
    const before = record('pump-7');
    const answer = await api.call('POST /v1/devices/pump-7/secret');
    expect(answer.status).toBe(200);
    const { secret } = answer.body as { secret: string }; // shown once
    expect(secretMatches(secret, record('pump-7').secret)).toBe(true);
    expect(record('pump-7').secretVersion).toBe(before.secretVersion + 1);
    const imported = await api.call('POST /v1/devices/pump-7/secret', { secret: 'sixteen-characters' });
    expect(imported.body).toEqual({ id: 'pump-7' });
    expect(secretMatches('sixteen-characters', record('pump-7').secret)).toBe(true);
  });

  it('is gone after DELETE, and may be registered again', async () => {
    expect((await api.call('DELETE /v1/devices/pump-7')).status).toBe(204);
    expect((await api.call('GET /v1/devices/pump-7')).status).toBe(404);
    expect((await api.call('DELETE /v1/devices/pump-7')).status).toBe(404);
    expect((await api.call('POST /v1/devices', { id: 'pump-7' })).status).toBe(201);
  });
});

it('a wrong label name is answered with the rule of label names', async () => {
  const rule = 'labels.a b: a label name is a letter or _, then up to 62 letters, digits or _ . -';
  const labels = { 'a b': 'x' };
  const refused = { status: 422, body: { detail: rule } };
  expect(await api.call('POST /v1/devices', { id: 'pump-7', labels })).toMatchObject(refused);
  await api.call('POST /v1/devices', { id: 'pump-7' });
  expect(await api.call('PATCH /v1/devices/pump-7', { labels })).toMatchObject(refused);
});

describe('the last report of a device', () => {
  async function lastReportedAt(): Promise<unknown> {
    const { body } = await api.call('GET /v1/devices/pump-7');
    return (body as { presence: { lastReportedAt?: string } }).presence.lastReportedAt; // the shape is what is tested
  }

  it('is never in the future, whatever the clock of the device says', async () => {
    await api.call('POST /v1/devices', { id: 'pump-7' });
    api.store.latestReadings.set('pump-7', [{ metric: 'a', timeMs: NOW + 240_000, value: 1 }]);
    api.clock.ms += 1000;
    expect(await lastReportedAt()).toBe('2026-11-20T21:30:01.000Z');
  });

  it('is not that of an earlier device of the same id', async () => {
    await api.call('POST /v1/devices', { id: 'pump-7' });
    api.store.latestReadings.set('pump-7', [{ metric: 'a', timeMs: NOW, value: 1 }]);
    expect(await lastReportedAt()).toBe('2026-11-20T21:30:00.000Z');
    api.clock.ms += 86_400_001;
    await api.call('DELETE /v1/devices/pump-7');
    await api.call('POST /v1/devices', { id: 'pump-7' });
    expect(await lastReportedAt()).toBeUndefined();
  });
});

describe('while the log is away', () => {
  it('writes answer 503, and reads go on', async () => {
    await api.call('POST /v1/devices', { id: 'pump-7' });
    api.log.goAway();
    const answer = await api.call('POST /v1/devices', { id: 'pump-8' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'log-unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await api.call('DELETE /v1/devices/pump-7')).status).toBe(503);
    expect((await api.call('GET /v1/devices/pump-7')).status).toBe(200);
    api.log.comeBack();
    expect((await api.call('POST /v1/devices', { id: 'pump-8' })).status).toBe(201);
  });
});
