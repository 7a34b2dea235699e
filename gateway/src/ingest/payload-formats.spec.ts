import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmbeddedLog, type CommitLog } from '@fieldgate/commit-log';
import { createLogger, systemClock } from '@fieldgate/service';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { recordsOf, register, startGateway, type TestGateway } from '../testing/test-gateway.js';

const SECRET = 'pump-secret-0123456789';
const TOPIC = 'devices/pump-7/telemetry';

/** `{"temperature":71.5,"motor":{"rpm":1480}}` */
const CBOR = Buffer.from('a26b74656d7065726174757265f95478656d6f746f72a16372706d1905c8', 'hex');
const SENML = Buffer.from(
  '[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temperature","u":"Cel","v":71.5},{"n":"motor/rpm","v":1480}]',
);
/** The same in CBOR, written by hand: 0 is n, 2 is v. */
const SENML_CBOR = Buffer.from(
  '82a2006b74656d706572617475726502f95478a200696d6f746f722f72706d021905c8',
  'hex',
);
const READINGS = { temperature: 71.5, 'motor.rpm': 1480 };

let directory: string;
let log: CommitLog;
let gateway: TestGateway;
const clients: MqttClient[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-formats-'));
  log = createEmbeddedLog({ directory, clock: systemClock, logger: createLogger({ level: 'silent' }) });
  await log.start();
  await register(log, 'pump-7', SECRET);
  gateway = await startGateway(log);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await gateway.stop();
  await log.stop();
  await rm(directory, { recursive: true });
});

async function device(protocolVersion: 4 | 5, more: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync({
    host: '127.0.0.1',
    port: gateway.port,
    username: 'pump-7',
    password: SECRET,
    clientId: 'pump-7',
    reconnectPeriod: 0,
    protocolVersion,
    ...more,
  });
  clients.push(client);
  return client;
}

/** The reason code of the PUBACK. */
async function answerTo(
  client: MqttClient,
  topic: string,
  payload: Buffer,
  contentType?: string,
): Promise<number> {
  try {
    const properties = contentType === undefined ? {} : { properties: { contentType } };
    await client.publishAsync(topic, payload, { qos: 1, ...properties });
    return 0;
  } catch (error) {
    return (error as { code: number }).code; // what mqtt rejects with
  }
}

async function readings(): Promise<unknown[]> {
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  return records.map(({ json }) => (json['data'] as { readings: unknown }).readings);
}

async function letters(): Promise<Record<string, unknown>[]> {
  const records = await recordsOf(log, 'fieldgate.dead-letters.v1');
  return records.map(({ json }) => json['data'] as Record<string, unknown>); // written by the gateway
}

describe.each([4, 5] as const)('a device that speaks MQTT (protocol level %i)', (version) => {
  it('says the format in the topic', async () => {
    const client = await device(version);
    expect(await answerTo(client, `${TOPIC}/cbor`, CBOR)).toEqual(0);
    expect(await answerTo(client, `${TOPIC}/senml`, SENML)).toEqual(0);
    expect(await answerTo(client, `${TOPIC}/senml-cbor`, SENML_CBOR)).toEqual(0);
    expect(await answerTo(client, TOPIC, Buffer.from('{"temperature":71.5,"motor":{"rpm":1480}}'))).toEqual(
      0,
    );
    expect(await readings()).toEqual([READINGS, READINGS, READINGS, READINGS]);
    expect(await letters()).toEqual([]);
  });

  it('gets a dead letter for what is not the format, and another format in between is no harm', async () => {
    const client = await device(version);
    await answerTo(client, TOPIC, Buffer.from('{"a":1}'));
    await answerTo(client, `${TOPIC}/cbor`, Buffer.from('{"a":2}'));
    await answerTo(client, TOPIC, CBOR);
    await answerTo(client, TOPIC, Buffer.from('{"a":3}'));
    expect(await readings()).toEqual([{ a: 1 }, { a: 3 }]);
    expect(await letters()).toMatchObject([
      {
        code: 'payload-not-cbor',
        origin: { kind: 'mqtt', topic: `${TOPIC}/cbor`, qos: 1 },
        payload: Buffer.from('{"a":2}').toString('base64'),
      },
      { code: 'payload-not-utf8', origin: { topic: TOPIC }, payload: CBOR.toString('base64') },
    ]);
  });
});

describe('a device that speaks MQTT 5', () => {
  it('says the format in the Content Type', async () => {
    const client = await device(5);
    expect(await answerTo(client, TOPIC, CBOR, 'application/cbor')).toEqual(0);
    expect(await answerTo(client, TOPIC, SENML, 'application/senml+json')).toEqual(0);
    expect(await answerTo(client, TOPIC, SENML_CBOR, 'application/senml+cbor')).toEqual(0);
    expect(await answerTo(client, TOPIC, Buffer.from('{"a":1}'), 'application/json')).toEqual(0);
    expect(await answerTo(client, TOPIC, Buffer.from('{"a":2}'), 'application/json; charset=utf-8')).toEqual(
      0,
    );
    expect(await readings()).toEqual([READINGS, READINGS, READINGS, { a: 1 }, { a: 2 }]);
  });

  it('is told when the Content Type is unknown or contradicts the topic, and the letter keeps both', async () => {
    const client = await device(5);
    const payload = Buffer.from('{"a":1}');
    const refusals = [
      await answerTo(client, TOPIC, payload, 'text/plain'),
      await answerTo(client, `${TOPIC}/cbor`, payload, 'application/json'),
    ];
    expect(refusals).toEqual([0x99, 0x99]);
    await answerTo(client, TOPIC, payload, 'x'.repeat(1_000));
    const kept = await letters();
    expect(kept).toMatchObject([
      { code: 'content-type', origin: { topic: TOPIC, contentType: 'text/plain' } },
      { code: 'content-type', origin: { topic: `${TOPIC}/cbor`, contentType: 'application/json' } },
      { code: 'content-type', origin: { contentType: 'x'.repeat(256) } },
    ]);
    expect(kept[1]?.['detail']).toBe('the Content Type says json, and the topic says cbor');
    expect(await readings()).toEqual([]);
  });

  it('gets one PUBACK for a pack of several times, of which each is a record', async () => {
    const client = await device(5);
    const pack = Buffer.from('[{"n":"a","v":1,"t":-2},{"n":"a","v":2,"t":-1},{"n":"b","vs":"x"}]');
    expect(await answerTo(client, TOPIC, pack, 'application/senml+json')).toEqual(0);
    expect(await readings()).toEqual([{ a: 1 }, { a: 2 }, { b: 'x' }]);
    const [first, second, third] = (await recordsOf(log, 'fieldgate.telemetry.v1')).map(({ json }) =>
      Date.parse(String(json['time'])),
    );
    expect((second ?? 0) - (first ?? 0)).toBe(1_000);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  it('leaves a will in the format of its Content Type', async () => {
    const will = {
      topic: TOPIC,
      payload: CBOR,
      qos: 1 as const,
      retain: false,
      properties: { contentType: 'application/cbor' },
    };
    const client = await device(5, { will });
    client.stream.destroy();
    const until = Date.now() + 5_000;
    while ((await readings()).length === 0 && Date.now() < until) await new Promise(setImmediate);
    expect(await readings()).toEqual([READINGS]);
  });
});
