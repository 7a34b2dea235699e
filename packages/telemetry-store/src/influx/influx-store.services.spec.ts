import { randomBytes } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { createLogger, systemClock } from '@fieldgate/service';
import { InfluxDB } from 'influx';
import { describeStoreContract } from '../testing/store-contract.js';
import type { TelemetryStore } from '../telemetry-store.js';
import { createInfluxStore } from './influx-store.js';

const server = process.env['FIELDGATE_TEST_INFLUX'];
if (server === undefined) throw new Error('FIELDGATE_TEST_INFLUX is not set: run npm run test:services');
const database = `fieldgate_test_${randomBytes(6).toString('hex')}`;
const logger = createLogger({ level: 'silent' });

afterAll(async () => {
  const { hostname, port } = new URL(server);
  await new InfluxDB({ host: hostname, port: Number(port) }).dropDatabase(database);
});

describeStoreContract('influx', async () => {
  const opened = async (): Promise<TelemetryStore> => {
    const store = createInfluxStore({ url: `${server}/${database}`, clock: systemClock, logger });
    await store.start();
    return store;
  };
  let current = await opened();
  return {
    store: current,
    reopen: async () => {
      await current.stop();
      current = await opened();
      return current;
    },
    close: () => current.stop(),
  };
});
