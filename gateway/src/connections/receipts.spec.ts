import { describe, expect, it } from '@jest/globals';
import type { LogWriter } from '@fieldgate/commit-log';
import type { LogTopic } from '@fieldgate/contracts';
import type { IConnectPacket, Packet } from 'mqtt-packet';
import { device, gatewayWith, givenGateway, V5 } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, type TestGateway } from '../testing/test-gateway.js';

type ConnectProperties = NonNullable<IConnectPacket['properties']>;
const ASKED = { userProperties: { 'fieldgate-receipts': '1' } };

async function asking(
  gateway: TestGateway,
  properties: ConnectProperties = ASKED,
  protocolVersion: 4 | 5 = 5,
): Promise<PacketClient> {
  const client = await PacketClient.open(gateway.port, { protocolVersion, properties });
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

function publish(client: PacketClient, payload: string, more: { qos?: 1 | 2; topic?: string } = {}): void {
  client.send({
    cmd: 'publish',
    topic: 'devices/pump-7/telemetry',
    payload,
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
    ...more,
  });
}

/** What goes to this topic of the log is in the spool, and has no position. */
async function spoolingGateway(topic: LogTopic): Promise<TestGateway> {
  const { log } = await givenGateway();
  const append: LogWriter['append'] = (record, settle) =>
    log.writer.append(record, (error, at, same) => {
      settle(error, record.topic === topic ? undefined : at, same as typeof record); // its own record
    });
  const writer: LogWriter = { append, drained: (listener) => log.writer.drained(listener) };
  return gatewayWith({ ...log, writer, ingest: writer });
}

/** As `GET /v1/dead-letters/{id}` takes it. */
async function idsOfLetters(log: Parameters<typeof recordsOf>[0]): Promise<readonly string[]> {
  const letters = await recordsOf(log, 'fieldgate.dead-letters.v1');
  return letters.map(({ record: { partition, offset } }) => `${partition}-${offset}`);
}

function receiptIn(packet: Packet): unknown {
  return 'properties' in packet ? { ...packet.properties?.userProperties } : {};
}

describe('a device that asks for receipts', () => {
  it('is told with the PUBACK where its record stands in the log', async () => {
    const { log, gateway } = await givenGateway();
    const client = await asking(gateway);
    for (const n of [1, 2]) {
      publish(client, `{"a":${n}}`);
      const puback = await client.next();
      const { record } = (await recordsOf(log, 'fieldgate.telemetry.v1')).at(-1) ?? {};
      expect(puback).toMatchObject({ cmd: 'puback', messageId: 1 });
      expect(receiptIn(puback)).toEqual({
        topic: 'fieldgate.telemetry.v1',
        partition: String(record?.partition),
        offset: String(record?.offset),
      });
      expect(record?.offset).toBe(n - 1);
    }
    publish(client, '{"state":"raised"}', { topic: 'devices/pump-7/events/hot' });
    expect(receiptIn(await client.next())).toMatchObject({ topic: 'fieldgate.events.v1' });
    client.destroy();
  });

  it('is told with the PUBREC of QoS 2, when it is durable, and nothing with the PUBCOMP', async () => {
    const { gateway } = await givenGateway();
    const client = await asking(gateway);
    publish(client, '{"a":1}', { qos: 2 });
    const pubrec = await client.next();
    expect(pubrec).toMatchObject({ cmd: 'pubrec' });
    expect(receiptIn(pubrec)).toMatchObject({ topic: 'fieldgate.telemetry.v1', offset: '0' });
    client.send({ cmd: 'pubrel', messageId: 1 });
    const pubcomp = await client.next();
    expect(pubcomp).toMatchObject({ cmd: 'pubcomp' });
    expect(receiptIn(pubcomp)).toEqual({});
    client.destroy();
  });

  it('is told the first and the last position of an array, and how many records it is', async () => {
    const { log, gateway } = await givenGateway();
    const client = await asking(gateway);
    publish(client, '[{"a":1},{"a":2},{"a":3}]');
    const receipt = receiptIn(await client.next());
    const partition = String((await recordsOf(log, 'fieldgate.telemetry.v1'))[0]?.record.partition);
    const topic = 'fieldgate.telemetry.v1';
    expect(receipt).toEqual({ topic, partition, offset: '0', 'last-offset': '2', records: '3' });
    client.destroy();
  });

  it('is told the dead letter of a message that is refused, beside the reason', async () => {
    const { log, gateway } = await givenGateway();
    const client = await asking(gateway);
    publish(client, 'no JSON');
    const puback = await client.next();
    const [letter] = await recordsOf(log, 'fieldgate.dead-letters.v1');
    expect(puback).toMatchObject({ reasonCode: 0x99, properties: { reasonString: expect.any(String) } });
    expect(receiptIn(puback)).toEqual({
      topic: 'fieldgate.dead-letters.v1',
      partition: String(letter?.record.partition),
      offset: '0',
      'dead-letter': (await idsOfLetters(log))[0],
    });
    client.destroy();
  });

  it('is told the position of what is stored of an array, and each dead letter of the rest', async () => {
    const { log, gateway } = await givenGateway();
    const client = await asking(gateway);
    publish(client, '[{"a":1},{"a":null},{},{"a":2}]');
    const receipt = receiptIn(await client.next());
    const letters = await idsOfLetters(log);
    expect(letters).toHaveLength(2);
    expect(receipt).toMatchObject({
      topic: 'fieldgate.telemetry.v1',
      offset: '0',
      'last-offset': '1',
      records: '2',
      'dead-letter': letters,
    });
    client.destroy();
  });

  it('is told "spooled" while the log has no position for it', async () => {
    const client = await asking(await spoolingGateway('fieldgate.telemetry.v1'));
    publish(client, '{"a":1}');
    expect(receiptIn(await client.next())).toEqual({ topic: 'fieldgate.telemetry.v1', spooled: '1' });
    publish(client, '[{"a":1},{"a":2}]');
    const receipt = { topic: 'fieldgate.telemetry.v1', records: '2', spooled: '2' };
    expect(receiptIn(await client.next())).toEqual(receipt);
    client.destroy();
  });

  it('is told no dead letter that has no position yet', async () => {
    const client = await asking(await spoolingGateway('fieldgate.dead-letters.v1'));
    publish(client, 'no JSON');
    expect(receiptIn(await client.next())).toEqual({ topic: 'fieldgate.dead-letters.v1', spooled: '1' });
    client.destroy();
  });

  it('is a client of a library as well', async () => {
    const { gateway } = await givenGateway();
    const client = await device(gateway, { ...V5, properties: ASKED });
    const received: Packet[] = [];
    client.on('packetreceive', (packet) => received.push(packet));
    await client.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 });
    expect(received).toMatchObject([
      {
        cmd: 'puback',
        properties: { userProperties: { topic: 'fieldgate.telemetry.v1', offset: '0' } },
      },
    ]);
  });
});

describe('no receipt', () => {
  it.each([
    ['did not ask', {}, 5],
    ['asked with another value', { userProperties: { 'fieldgate-receipts': 'yes' } }, 5],
    ['wants no problem information', { ...ASKED, requestProblemInformation: false }, 5],
    ['takes no packet so large', { ...ASKED, maximumPacketSize: 64 }, 5],
    ['speaks 3.1.1', ASKED, 4],
  ] as const)('goes to a device that %s', async (_why, properties, version) => {
    const { log, gateway } = await givenGateway();
    const client = await asking(gateway, properties as ConnectProperties, version); // none of them is changed
    publish(client, '{"a":1}');
    const puback = await client.next();
    expect(puback).toMatchObject({ cmd: 'puback', messageId: 1 });
    expect(receiptIn(puback)).toEqual({});
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    client.destroy();
  });
});
