import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { startInflux } from '../ops/services/influx-server.mjs';
import { startKafkaCluster } from '../ops/services/kafka-cluster.mjs';
import { freePorts } from '../ops/services/ports.mjs';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { expectStoredOnce } from './support/expect-stored-once.js';
import { FieldgateProcess } from './support/fieldgate-process.js';
import { NumberedFleet } from './support/numbered-fleet.js';
import { Operator, until } from './support/operator.js';
import { temporaryFolder } from './support/temporary-folder.js';

const SHARED_KAFKA = process.env['FIELDGATE_TEST_KAFKA'] ?? '';
const SHARED_INFLUX = process.env['FIELDGATE_TEST_INFLUX'] ?? '';

const atEnd = atEndOfEachTest();

function unique(prefix: string): string {
  return `${prefix}-${randomBytes(3).toString('hex')}`;
}

async function dataDir(): Promise<string> {
  const folder = await temporaryFolder();
  atEnd(() => folder.remove());
  return folder.path;
}

function newFleet(): NumberedFleet {
  const fleet = new NumberedFleet(unique('away'), 4, 10);
  atEnd(() => fleet.close());
  return fleet;
}

interface Ready {
  readonly status: number;
  readonly checks: Readonly<Record<string, string>>;
}

async function readyz(url: string): Promise<Ready> {
  const response = await fetch(`${url}/readyz`);
  const { checks } = (await response.json()) as Pick<Ready, 'checks'>; // as health.controller.ts writes it
  return { status: response.status, checks };
}

/** What /readyz says once it is not ready and names the address. */
function notReadyUntil(url: string, address: string): Promise<Ready> {
  const isNamed = ({ status, checks }: Ready): boolean =>
    status === 503 && Object.values(checks).some((check) => check.includes(address));
  return until(() => readyz(url), isNamed, 30_000);
}

describe('Kafka that is away', () => {
  it('is waited for at the start, and without a spool later too: nothing is acknowledged in between, nothing is lost', async () => {
    const [broker = 0, controller = 0] = await freePorts(2);
    const address = `127.0.0.1:${broker}`;
    const fieldgate = FieldgateProcess.launch({
      FIELDGATE_DATA_DIR: await dataDir(),
      FIELDGATE_SPOOL: 'false',
      FIELDGATE_GATEWAY_ID: unique('gw'),
      FIELDGATE_KAFKA_BROKERS: address,
      FIELDGATE_INFLUX_URL: `${SHARED_INFLUX}/${unique('integrity')}`,
    });
    atEnd(() => fieldgate.kill());
    const url = await fieldgate.httpUrl();
    const before = await notReadyUntil(url, address);
    expect(before.checks['log']).toContain(`Kafka at ${address}`);
    expect((await fetch(`${url}/livez`)).status).toBe(200); // no reason to restart it

    const kafka = await startKafkaCluster({ ports: [{ broker, controller }] });
    atEnd(() => kafka.stop());
    await fieldgate.ready();
    const operator = new Operator(url);
    const fleet = newFleet();
    const from = Date.now();
    await operator.register(fleet.registrations());
    await fleet.connect(await fieldgate.mqttPort());
    await fleet.publishUntil(200);
    await fleet.settle();

    await kafka.nodes[0]?.kill();
    const { acknowledged } = fleet;
    const goesOn = fleet.publishUntil(200).catch(() => 'closed'); // held; closed when it takes too long
    expect((await notReadyUntil(url, address)).checks['log']).not.toBe('ok');
    expect(fleet.acknowledged).toBe(acknowledged);
    await kafka.nodes[0]?.start();
    if ((await goesOn) === 'closed') await fleet.connect(await fieldgate.mqttPort());
    await fleet.settle();
    await expectStoredOnce(operator, fleet, from);
    await until(
      () => readyz(url),
      ({ status }) => status === 200,
      20_000,
    );
    expect((await readyz(url)).checks).toMatchObject({ log: 'ok', spool: 'none' });
    expect(await fieldgate.stop()).toBe(0);
  }, 300_000);

  it('keeps no device waiting for long where there is a spool: what is acknowledged meanwhile is stored when it is back', async () => {
    const kafka = await startKafkaCluster({ nodes: 1 });
    atEnd(() => kafka.stop());
    const deployment = await Deployment.distributed({ FIELDGATE_KAFKA_BROKERS: kafka.bootstrap.join(',') });
    atEnd(() => deployment.stop());
    const gateway = deployment.httpOf('gateway');
    expect((await readyz(gateway)).checks).toMatchObject({ log: 'ok', spool: 'ok' });
    const fleet = newFleet();
    const from = Date.now();
    await deployment.operator.register(fleet.registrations());
    await fleet.connect(deployment.mqttPort);
    await fleet.publishUntil(200);

    await kafka.nodes[0]?.kill();
    await fleet.publishUntil(500); // fails when a connection is closed
    const meanwhile = await readyz(gateway);
    expect(meanwhile.status).toBe(200); // its devices stay with it
    expect(meanwhile.checks['log']).toMatch(/; what devices send is spooled$/);
    expect(meanwhile.checks['spool']).toMatch(/^spooling: \d+ records, \d+ bytes$/);
    expect((await notReadyUntil(deployment.httpOf('operator-api'), kafka.bootstrap.join(','))).status).toBe(
      503,
    );

    await kafka.nodes[0]?.start();
    const isDirect = ({ checks }: Ready): boolean => checks['spool'] === 'ok' && checks['log'] === 'ok';
    expect(await until(() => readyz(gateway), isDirect, 60_000)).toMatchObject({ status: 200 });
    await fleet.settle();
    await expectStoredOnce(deployment.operator, fleet, from);
  }, 300_000);
});

describe('InfluxDB that is away', () => {
  it('is waited for at the start, while readings are acknowledged, and stored afterwards', async () => {
    const influx = await startInflux();
    await influx.stop();
    const fieldgate = FieldgateProcess.launch({
      FIELDGATE_DATA_DIR: await dataDir(),
      FIELDGATE_GATEWAY_ID: unique('gw'),
      FIELDGATE_KAFKA_BROKERS: SHARED_KAFKA,
      FIELDGATE_INFLUX_URL: `${influx.url}/${unique('integrity')}`,
    });
    atEnd(() => fieldgate.kill());
    const url = await fieldgate.httpUrl();
    await notReadyUntil(url, `InfluxDB at 127.0.0.1:${influx.port}`);
    const { port } = await fieldgate.said('mqtt listening');
    const operator = new Operator(url);
    const fleet = newFleet();
    const from = Date.now();
    await operator.registerWhenReady(fleet.registrations());
    await fleet.connect(Number(port));
    await fleet.publishUntil(500);
    await fleet.settle();

    await influx.start();
    atEnd(() => influx.stop());
    await fieldgate.ready();
    await expectStoredOnce(operator, fleet, from);
    expect(await fieldgate.stop()).toBe(0);
  }, 120_000);

  it('is waited for later too, by the parts that need it alone', async () => {
    const influx = await startInflux();
    atEnd(() => influx.stop());
    const deployment = await Deployment.distributed({
      FIELDGATE_INFLUX_URL: `${influx.url}/${unique('integrity')}`,
    });
    atEnd(() => deployment.stop());
    const fleet = newFleet();
    const from = Date.now();
    await deployment.operator.register(fleet.registrations());
    await fleet.connect(deployment.mqttPort);
    await fleet.publishUntil(500);

    await influx.kill();
    await fleet.publishUntil(1_000);
    await notReadyUntil(deployment.httpOf('processors'), `InfluxDB at 127.0.0.1:${influx.port}`);
    expect((await readyz(deployment.httpOf('gateway'))).status).toBe(200);
    const id = fleet.devices[0]?.id ?? '';
    expect(await deployment.operator.call('GET', `/v1/devices/${id}/latest`)).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable' },
    });
    await fleet.publishUntil(500);
    await fleet.settle();

    await influx.start();
    const ready = await until(
      () => readyz(deployment.httpOf('processors')),
      ({ status }) => status === 200,
      20_000,
    );
    expect(ready.status).toBe(200);
    await expectStoredOnce(deployment.operator, fleet, from);
  }, 120_000);
});
