import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { commandStepSchema } from '@fieldgate/contracts';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { counts } from './gateway.metrics.js';
import { requestCommand } from './testing/given-command.js';
import {
  atEndOfTest,
  device,
  gatewayWith,
  givenGateway,
  happens,
  optionsOf,
  SECRET,
  V3,
  V5,
} from './testing/given-gateway.js';
import { silentAbout } from './testing/silent-log.js';
import { recordsOf, register, type TestGateway } from './testing/test-gateway.js';

async function refusal(gateway: TestGateway, more: IClientOptions): Promise<number | undefined> {
  const client = connect(optionsOf(gateway, more));
  atEndOfTest(() => client.endAsync(true));
  const [error] = (await happens(client, 'error')) as [Error & { code?: number }]; // what mqtt emits for a refused CONNACK
  return error.code;
}

/** Reason code of the PUBACK. */
async function answerTo(client: MqttClient, topic: string, payload: string): Promise<number> {
  try {
    await client.publishAsync(topic, payload, { qos: 1 });
    return 0;
  } catch (error) {
    return (error as { code: number }).code; // what mqtt rejects with
  }
}

describe.each([
  ['MQTT 5', V5],
  ['MQTT 3.1.1', V3],
])('a device that speaks %s', (_name, version) => {
  it('has its reading in the log before it gets its PUBACK', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, version);
    await client.publishAsync(
      'devices/pump-7/telemetry',
      '{"ts":1763600000000,"seq":42,"readings":{"temperature":71.4}}',
      { qos: 1 },
    );
    const [{ record, json } = { record: undefined, json: undefined }] = await recordsOf(
      log,
      'fieldgate.telemetry.v1',
    );
    expect(record?.key).toBe('pump-7');
    expect(json).toMatchObject({
      subject: 'pump-7',
      gateway: 'gw-1',
      data: { readings: { temperature: 71.4 }, seq: 42 },
    });
  });

  it('gets an answer for what is refused for good, and the bytes are a dead letter', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, version);
    const reasons = [
      await answerTo(client, 'devices/pump-7/telemetry', '{"temperature":'),
      await answerTo(client, 'devices/pump-7/telemetry', '[{"a":1},{"b":null}]'),
      await answerTo(client, 'devices/pump-7/nonsense', '{}'),
    ];
    expect(reasons).toEqual(version === V5 ? [0x99, 0x99, 0x90] : [0, 0, 0]); // 3.1.1 has no word for a refusal
    const letters = await recordsOf(log, 'fieldgate.dead-letters.v1');
    expect(letters.map(({ json }) => (json['data'] as { code: string }).code)).toEqual([
      'payload-not-json',
      'value-type',
      'topic-unknown',
    ]);
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
  });

  it('has a condition event in the log', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, version);
    await client.publishAsync(
      'devices/pump-7/events/overheating',
      '{"state":"raised","severity":"critical"}',
      { qos: 1 },
    );
    const events = await recordsOf(log, 'fieldgate.events.v1');
    expect(events.map(({ json }) => (json['data'] as { event: string }).event)).toEqual([
      'connected',
      'overheating',
    ]);
  });

  it('is refused with a wrong secret, an unknown name, another client id or a will elsewhere', async () => {
    const { gateway } = await givenGateway();
    const [badCredentials, notAuthorized] = version === V5 ? [0x86, 0x87] : [4, 5];
    expect(await refusal(gateway, { ...version, password: 'wrong-secret-0123456789' })).toBe(badCredentials);
    expect(await refusal(gateway, { ...version, username: 'pump-8', clientId: 'pump-8' })).toBe(
      badCredentials,
    );
    expect(await refusal(gateway, { ...version, clientId: 'other' })).toBe(badCredentials);
    const will = {
      topic: 'devices/pump-8/events/gone',
      payload: Buffer.from('{}'),
      qos: 1 as const,
      retain: false,
    };
    expect(await refusal(gateway, { ...version, will })).toBe(notAuthorized);
  });

  it('finds its session again at another run of the gateway', async () => {
    const { log, gateway } = await givenGateway();
    const keep =
      version === V5
        ? { ...V5, clean: false, properties: { sessionExpiryInterval: 3600 } }
        : { ...V3, clean: false };
    const client = await device(gateway, keep);
    await client.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    await gateway.stop();
    const second = await gatewayWith(log.restarted());
    const again = connect(optionsOf(second, keep));
    atEndOfTest(() => again.endAsync(true));
    const [connack] = (await happens(again, 'connect')) as [{ sessionPresent: boolean }];
    expect(connack.sessionPresent).toBe(true);
  });

  it('finds its session again although it never subscribed', async () => {
    const { log, gateway } = await givenGateway();
    const keep =
      version === V5
        ? { ...V5, clean: false, properties: { sessionExpiryInterval: 3600 } }
        : { ...V3, clean: false };
    await device(gateway, keep);
    await gateway.stop();
    const second = await gatewayWith(log.restarted());
    const again = connect(optionsOf(second, keep));
    atEndOfTest(() => again.endAsync(true));
    const [connack] = (await happens(again, 'connect')) as [{ sessionPresent: boolean }];
    expect(connack.sessionPresent).toBe(true);
  });

  it('gets no answer while the log is away, and is disconnected', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, version);
    log.goAway();
    let acknowledged = false;
    client.publish('devices/pump-7/telemetry', '{"a":1}', { qos: 1 }, (error) => (acknowledged = !error));
    await happens(client, 'close');
    expect(acknowledged).toBe(false);
    log.comeBack();
  });

  it('is disconnected when the log keeps silent for too long, and counted once', async () => {
    const log = createMemoryLog();
    await log.start();
    await register(log, 'pump-7', SECRET);
    const silent = silentAbout(log, 'fieldgate.telemetry.v1');
    const client = await device(await gatewayWith(silent, { holdMs: 1 }), version);
    const before = counts.heldTooLong;
    for (const n of [1, 2]) client.publish('devices/pump-7/telemetry', `{"n":${n}}`, { qos: 1 });
    await happens(client, 'close');
    silent.fail();
    expect(counts.heldTooLong).toBe(before + 1);
  });

  it('takes a command and answers it', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, version);
    await client.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    const request = happens(client, 'message');
    await requestCommand(log);
    const [topic, payload, packet] = (await request) as [
      string,
      Buffer,
      { properties?: { responseTopic?: string; correlationData?: Buffer } },
    ];
    expect(topic).toBe('devices/pump-7/commands/c-1/set-speed');
    expect(JSON.parse(payload.toString())).toEqual({ rpm: 1200 });
    if (version === V5) {
      expect(packet.properties?.responseTopic).toBe('devices/pump-7/responses/c-1');
      const correlationData = packet.properties?.correlationData ?? Buffer.alloc(0);
      expect(correlationData.toString()).toBe('c-1');
      await client.publishAsync('devices/pump-7/responses/c-1', '{"rpm":1200}', {
        qos: 1,
        properties: { correlationData, userProperties: { status: '200' } },
      });
    } else {
      await client.publishAsync('devices/pump-7/responses/c-1/200', '{"rpm":1200}', { qos: 1 });
    }
    const steps = (await recordsOf(log, 'fieldgate.commands.v1')).map(({ json }) =>
      commandStepSchema.parse(json['data']),
    );
    expect(steps.map(({ step }) => step)).toEqual(['requested', 'sent', 'delivered', 'succeeded']);
    expect(steps.at(-1)).toMatchObject({ status: 200, body: { encoding: 'json', json: { rpm: 1200 } } });
  });
});

describe('the gateway', () => {
  it('closes MQTT 3.1.1 and answers 0x87 to MQTT 5 for a topic that is not the device’s own', async () => {
    const { log, gateway } = await givenGateway();
    const five = await device(gateway, V5);
    await expect(five.publishAsync('devices/pump-8/telemetry', '{"a":1}', { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await five.endAsync();
    const three = await device(gateway, V3);
    three.publish('devices/pump-8/telemetry', '{"a":1}', { qos: 1 });
    await happens(three, 'close');
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(0);
  });

  it('names the client id that it assigned', async () => {
    const { gateway } = await givenGateway();
    const client = connect(optionsOf(gateway, { ...V5, clientId: '' }));
    atEndOfTest(() => client.endAsync(true));
    const [connack] = (await happens(client, 'connect')) as [
      { properties?: { assignedClientIdentifier?: string } },
    ];
    expect(connack.properties?.assignedClientIdentifier).toBe('pump-7');
  });

  it('refuses an empty client id with clean session 0 before MQTT 5 ([MQTT-3.1.3-8]: return code 2)', async () => {
    const { gateway } = await givenGateway();
    const socket = createConnection(gateway.port, '127.0.0.1');
    socket.write(Buffer.from('100c00044d5154540400003c0000', 'hex')); // no user name either: mqtt-packet writes none of this
    const [connack] = (await once(socket, 'data')) as [Buffer];
    expect(connack.toString('hex')).toBe('20020002');
    await once(socket, 'close');
  });

  it('refuses a subscription to somebody else’s topics and to $SYS', async () => {
    const { gateway } = await givenGateway();
    const client = await device(gateway);
    for (const filter of [
      'devices/pump-8/commands/#',
      '#',
      '$SYS/#',
      'devices/+/commands/#',
      'devices/pump-7/',
    ]) {
      await expect(client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow();
    }
  });

  it('lives on when a device is called like a member of every object', async () => {
    const { log, gateway } = await givenGateway();
    await register(log, 'constructor', SECRET);
    const client = await device(gateway, { ...V5, username: 'constructor', clientId: 'constructor' });
    await client.unsubscribeAsync('constructor');
    await client.publishAsync('devices/constructor/telemetry', '{"a":1}', { qos: 1 });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
  });

  it('lets no device claim that it was connected or disconnected', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway);
    expect(await answerTo(client, 'devices/pump-7/events/disconnected', '{"state":"info"}')).toBe(0x90);
    const letters = await recordsOf(log, 'fieldgate.dead-letters.v1');
    expect(letters.map(({ json }) => (json['data'] as { code: string }).code)).toEqual(['topic-unknown']);
    expect(await recordsOf(log, 'fieldgate.events.v1')).toHaveLength(1);
  });

  it('publishes a will as a message of the device', async () => {
    const { log, gateway } = await givenGateway();
    const will = {
      topic: 'devices/pump-7/events/gone',
      payload: Buffer.from('{"state":"raised"}'),
      qos: 1 as const,
      retain: false,
    };
    const client = await device(gateway, { ...V5, will });
    const gone = new Promise<void>((resolve) => {
      void log.reader.follow(
        'fieldgate.events.v1',
        'earliest',
        (records) => {
          if (records.some(({ value }) => Buffer.from(value ?? '').includes('"event":"gone"'))) resolve();
        },
        { failed: () => undefined },
      );
    });
    client.stream.destroy();
    await gone;
  });
});
