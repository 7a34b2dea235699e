import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectAsync, type MqttClient } from 'mqtt';
import { Deployment } from './support/deployment.js';
import { metric } from './support/metrics.js';
import { until, type Answer } from './support/operator.js';

const DEVICE = 'pump-7';
const SECRET = 'pump-secret-0123456789';
const WAIT_MS = 50_000;

interface Ledger {
  readonly totals: { readonly log: Readonly<Record<string, unknown>> };
  readonly unaccounted: number;
  readonly seq: { readonly missing: number; readonly gaps: readonly unknown[] };
  readonly connections: readonly {
    readonly counters: string;
    readonly sent?: Readonly<Record<string, unknown>>;
    readonly log: Readonly<Record<string, unknown>>;
  }[];
}

let deployment: Deployment;
beforeEach(async () => {
  deployment = await Deployment.embedded();
  await deployment.operator.registerWhenReady([{ id: DEVICE, secret: SECRET }]);
});
afterEach(() => deployment.stop());

function connect(): Promise<MqttClient> {
  return connectAsync({
    host: '127.0.0.1',
    port: deployment.mqttPort,
    protocolVersion: 5,
    clientId: DEVICE,
    username: DEVICE,
    password: SECRET,
    reconnectPeriod: 0,
  });
}

/** With the time of now and this number, so that the same number at the same time is a copy. */
const START = Date.now();
function reading(seq: number): string {
  return JSON.stringify({ ts: START + seq, seq, readings: { n: seq } });
}

/** Resolves when it is answered; a refusal is an answer. */
async function publish(client: MqttClient, payload: string, qos: 0 | 1 = 1): Promise<void> {
  await client.publishAsync(`devices/${DEVICE}/telemetry`, payload, { qos }).catch((error: unknown) => {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 0x99) throw error;
  });
}

async function ledgerWhen(isSo: (ledger: Ledger) => boolean): Promise<Ledger> {
  const ask = (): Promise<Answer<Ledger>> => deployment.operator.call('GET', `/v1/devices/${DEVICE}/ledger`);
  return (await until(ask, ({ status, body }) => status === 200 && isSo(body), WAIT_MS)).body;
}

it('the ledger has every message of a device, also across kill -9', async () => {
  const first = await connect();
  for (const seq of [1, 2, 5, 6, 6, 9]) await publish(first, reading(seq));
  await publish(first, 'not json');
  await publish(first, `[${reading(10)},{"n":null},${reading(11)}]`);
  await publish(first, reading(12), 0);
  await publish(first, reading(13));
  await first.endAsync();
  const ended = await ledgerWhen(
    ({ connections: [connection], totals }) => connection?.counters === 'final' && totals.log['stored'] === 9,
  );
  expect(ended).toMatchObject({
    unaccounted: 0,
    seq: {
      missing: 4,
      gaps: [
        { from: 3, to: 4 },
        { from: 7, to: 8 },
      ],
    },
    connections: [
      {
        counters: 'final',
        sent: {
          messages: 10,
          received: 12,
          acknowledged: 9,
          unanswered: 0,
          unasked: 1,
          dropped: 0,
          refused: { 'payload-not-json': 1, 'value-type': 1 },
        },
        log: {
          inLog: 10,
          duplicates: 1,
          late: 0,
          stored: 9,
          waiting: 0,
          deadLetters: { 'payload-not-json': 1, 'value-type': 1 },
        },
      },
    ],
  });

  const second = await connect();
  second.on('error', () => undefined); // its gateway is killed
  for (const seq of [14, 15, 17]) await publish(second, reading(seq));
  await deployment.kill('all');
  await deployment.start('all');
  const third = await connect();
  for (const seq of [17, 18, 3]) await publish(third, reading(seq)); // no PUBACK came for 17; 3 was kept back
  await third.endAsync();

  const all = await ledgerWhen(
    ({ connections, totals }) => connections[0]?.counters === 'final' && totals.log['stored'] === 14,
  );
  expect(all).toMatchObject({
    totals: { log: { inLog: 16, duplicates: 2, stored: 14, notStored: 0, waiting: 0 } },
    unaccounted: 0,
    seq: {
      missing: 4,
      gaps: [
        { from: 4, to: 4 },
        { from: 7, to: 8 },
        { from: 16, to: 16 },
      ],
    },
    connections: [
      { counters: 'final', sent: { received: 3, acknowledged: 3 }, log: { inLog: 3, duplicates: 1 } },
      { counters: 'incomplete', log: { inLog: 3, stored: 3 } },
      { counters: 'final', sent: { received: 12 }, log: { inLog: 10, stored: 9 } },
    ],
  });
  const url = deployment.httpOf('processors');
  expect(await metric(url, 'fieldgate_ledger_in_log_records')).toBe(16);
  expect(await metric(url, 'fieldgate_ledger_missing_seq')).toBe(4);
  expect(await metric(url, 'fieldgate_ledger_unaccounted_records')).toBe(0);

  await deployment.kill('all');
  await deployment.start('all');
  expect(await ledgerWhen(() => true)).toEqual(all);
}, 300_000);
