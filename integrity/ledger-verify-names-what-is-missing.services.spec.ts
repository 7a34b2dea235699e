import { randomBytes } from 'node:crypto';
import kafkajs from 'kafkajs';
import { Deployment } from './support/deployment.js';
import {
  describeLedgerVerify,
  type LedgerBench,
} from './support/promises/ledger-verify-names-what-is-missing.js';

const brokers = (process.env['FIELDGATE_TEST_KAFKA'] ?? '').split(',');
const server = process.env['FIELDGATE_TEST_INFLUX'] ?? '';

describeLedgerVerify(async (): Promise<LedgerBench> => {
  const database = `ledger_${randomBytes(4).toString('hex')}`;
  const deployment = await Deployment.distributed({ FIELDGATE_INFLUX_URL: `${server}/${database}` });
  return {
    deployment,
    ends,
    lose: (deviceId, timeMs) => deletePoint(database, deviceId, timeMs),
    stop: () => deployment.stop(),
  };
});

async function ends(): Promise<ReadonlyMap<number, number>> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets('fieldgate.telemetry.v1');
  await admin.disconnect();
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
}

/** InfluxDB deletes points: all that the device said then. */
async function deletePoint(database: string, deviceId: string, timeMs: number): Promise<readonly string[]> {
  const where = `WHERE device = '${deviceId}' AND time >= ${timeMs}ms AND time < ${timeMs + 1}ms`;
  const statements = `SELECT count(*) FROM telemetry ${where}; DELETE FROM telemetry ${where}`;
  const answer = await fetch(`${server}/query?db=${database}`, {
    method: 'POST',
    body: new URLSearchParams({ q: statements }),
  });
  const text = await answer.text();
  if (!text.includes('"count_speed","count_temperature"') || !text.includes(',1,1]'))
    throw new Error(`not one point was deleted: ${text}`);
  return ['speed', 'temperature'];
}
