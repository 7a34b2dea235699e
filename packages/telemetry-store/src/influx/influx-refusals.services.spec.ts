import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, systemClock } from '@fieldgate/service';
import { InfluxDB } from 'influx';
import { event, T0, telemetry } from '../testing/records.js';
import type { TelemetryStore } from '../telemetry-store.js';
import { createInfluxStore } from './influx-store.js';

const server = process.env['FIELDGATE_TEST_INFLUX'];
if (server === undefined) throw new Error('FIELDGATE_TEST_INFLUX is not set: run npm run test:services');

let database: string;
let admin: InfluxDB;
let store: TelemetryStore;

beforeEach(async () => {
  database = `fieldgate_test_${randomBytes(6).toString('hex')}`;
  const { hostname, port } = new URL(server);
  admin = new InfluxDB({ host: hostname, port: Number(port), database });
  store = createInfluxStore({
    url: `${server}/${database}`,
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
  });
  await store.start();
});

afterEach(async () => {
  await store.stop();
  await admin.dropDatabase(database);
});

describe('what a real InfluxDB refuses', () => {
  it('a field that somebody else wrote with another type: that record alone', async () => {
    await admin.writePoints([
      { measurement: 'telemetry', tags: { device: 'other' }, fields: { spoilt: 'a text' } },
    ]);
    const batch = Array.from({ length: 40 }, (_, index) =>
      telemetry('pump', index === 7 || index === 33 ? { spoilt: index } : { fine: index }, {
        timeMs: T0 + index,
      }),
    );
    const { refused } = await store.write(batch);
    expect(refused.map(({ index, code }) => [index, code])).toEqual([
      [7, 'store-refused'],
      [33, 'store-refused'],
    ]);
    expect(refused[0]?.detail).toMatch(/field type conflict: .*"spoilt"/);
    const [fine] = await store.series({ deviceId: 'pump', fromMs: T0, toMs: T0 + 100, limit: 100 });
    expect(fine?.points).toHaveLength(38);
    expect(store.problem()).toBeUndefined();
  });

  it('readings that are older than its retention policy: those alone', async () => {
    await admin.createRetentionPolicy('short', { duration: '1d', replication: 1, isDefault: true, database });
    const now = Date.now();
    const { refused } = await store.write([
      telemetry('pump', { t: 1, on: true }, { timeMs: now - 90_000_000 }),
      telemetry('pump', { t: 2, on: true }, { timeMs: now }),
      event('pump', { timeMs: now - 100_000_000 }),
    ]);
    expect(refused.map(({ index }) => index)).toEqual([0, 2]);
    expect(refused[0]?.detail).toMatch(/beyond retention policy/);
    expect(await store.latest('pump')).toHaveLength(2);
  });

  it('nothing, when its database was dropped while we ran: it is created again', async () => {
    await admin.dropDatabase(database);
    const reading = telemetry('pump', { t: 1 });
    await expect(store.write([reading])).rejects.toEqual(
      expect.objectContaining({ code: 'store-unavailable' }),
    );
    expect(store.problem()).toMatch(/no such database/);
    await store.write([reading]);
    expect(store.problem()).toBeUndefined();
    expect(await store.latest('pump')).toEqual([{ metric: 't', timeMs: T0, value: 1 }]);
  });
});
