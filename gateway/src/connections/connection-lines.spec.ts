import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import type { IConnectPacket } from 'mqtt-packet';
import { DEFAULT_LIMITS, type InboundPublish } from '@fieldgate/mqtt-edge';
import { pause, RepeatedLines } from '@fieldgate/service';
import { connectionErrorsTotal, connectsTotal, subscriptionsRefusedTotal } from '../gateway.metrics.js';
import { atEndOfTest, SECRET } from '../testing/given-gateway.js';
import { givenLogLines } from '../testing/given-log-lines.js';
import { PacketClient } from '../testing/packet-client.js';
import { register, startGateway } from '../testing/test-gateway.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { ConnectionLines } from './connection-lines.js';
import { DeviceConnection, type Surroundings } from './device-connection.js';
import { UnheardConnect } from './unheard-connect.js';

const COUNTED_WITHIN_MS = 2_000;
const FIVE = { protocolVersion: 5 } as const;

async function givenGateway(maxMessagesPerSecond = Infinity) {
  const log = createMemoryLog();
  await log.start();
  await register(log, 'pump-7', SECRET);
  const lines = givenLogLines();
  const gateway = await startGateway(log, { maxMessagesPerSecond }, { logger: lines.logger });
  atEndOfTest(() => gateway.stop());
  const open = async (more: Partial<IConnectPacket> = FIVE): Promise<PacketClient> => {
    const client = await PacketClient.open(gateway.port, more);
    atEndOfTest(() => Promise.resolve(client.destroy()));
    return client;
  };
  return { lines, open, port: gateway.port };
}

async function valueOf(
  metric: typeof connectsTotal | typeof connectionErrorsTotal | typeof subscriptionsRefusedTotal,
  label?: string,
): Promise<number> {
  const { values } = await metric.get();
  return values.find(({ labels }) => !label || Object.values(labels).includes(label))?.value ?? 0;
}

it('a CONNECT that asks for enhanced authentication is logged and counted as refused', async () => {
  const { lines, open } = await givenGateway();
  const before = await valueOf(connectsTotal, 'authentication-method');
  const client = await open({ ...FIVE, properties: { authenticationMethod: 'SCRAM-SHA-1' } });
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0x8c });
  expect(await lines.said('connect refused')).toMatchObject({
    level: 40,
    userName: 'pump-7',
    clientId: 'pump-7',
    remoteAddress: '127.0.0.1',
    code: 'authentication-method',
    method: 'SCRAM-SHA-1',
  });
  expect(await valueOf(connectsTotal, 'authentication-method')).toBe(before + 1);
});

it.each([
  [
    'a CONNECT that is too large',
    Buffer.from('10e0d40300044d5154540402003c', 'hex'),
    /60,?000|larger|maximum|exceed/,
  ],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /^HTTP, not MQTT$/],
  ['TLS', Buffer.from('160301020001000100', 'hex'), /^TLS, not MQTT/],
  [
    'a level of MQTT that there is not',
    Buffer.from('100e00044d51545406020000000000000170', 'hex'),
    /protocol version 6/,
  ],
  ['another packet than CONNECT', Buffer.from('c000', 'hex'), /\[MQTT-3\.1\.0-1\]/],
])('%s is logged with the address and the reason, once a minute', async (_, bytes, reason) => {
  const { lines, port } = await givenGateway();
  const before = await valueOf(connectionErrorsTotal);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // may be reset
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
  }
  const line = await lines.said('connection broken');
  expect(line).toMatchObject({ level: 30, remoteAddress: '127.0.0.1' });
  expect(line['reason']).toMatch(reason);
  expect(lines.all.filter(({ msg }) => msg === 'connection broken')).toHaveLength(1);
  const until = performance.now() + COUNTED_WITHIN_MS; // the gateway may hear of the last close after its client
  while ((await valueOf(connectionErrorsTotal)) < before + 3 && performance.now() < until) await pause(5);
  expect(await valueOf(connectionErrorsTotal)).toBe(before + 3);
});

it('who comes and goes without a word is not worth a line, nor is one whom the gateway sends away', async () => {
  const { lines, port, open } = await givenGateway();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end();
  await once(socket.resume(), 'close');
  await (await open()).next();
  expect(lines.all.filter(({ msg }) => /refused|broken/.test(String(msg)))).toEqual([]);
});

it.each([
  ['connect-timeout', ['no CONNECT within 10 s']],
  ['lost', []],
] as const)('of a stranger whose connection has ended by %s the log says %j', (why, reasons) => {
  const { logger, all } = givenLogLines();
  const lines = new ConnectionLines(new RepeatedLines(logger, { now: () => 0 }));
  new UnheardConnect(new PassThrough(), DEFAULT_LIMITS).report(why, '192.0.2.1', lines);
  expect(all.map(({ reason }) => reason)).toEqual(reasons);
});

it('refused filters are named with their codes, counted, and the device is told what to do', async () => {
  const { lines, open } = await givenGateway();
  const codes = ['topic-forbidden', 'shared-subscription', 'too-many-subscriptions'];
  const before = await Promise.all(codes.map((code) => valueOf(subscriptionsRefusedTotal, code)));
  const client = await open();
  await client.next();
  const topics = [
    'devices/pump-8/#',
    '#',
    '$share/all/devices/pump-7/#',
    ...Array.from({ length: 98 }, (_, index) => `devices/pump-7/commands/${index}`),
  ];
  const subscriptions = topics.map((topic) => ({ topic, qos: 1 as const, nl: false, rap: false, rh: 0 }));
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  const suback = await client.next();
  expect(suback).toMatchObject({ cmd: 'suback' });
  expect(suback).toHaveProperty(
    'properties.reasonString',
    'A device may subscribe below devices/pump-7/ only. Shared subscriptions are not served: subscribe to devices/pump-7/commands/# itself. A device has at most 100 subscriptions, with filters of 16384 characters in all.',
  );
  expect(lines.all.filter(({ msg }) => msg === 'subscription refused')).toMatchObject([
    { deviceId: 'pump-7', filter: 'devices/pump-8/#', code: 'topic-forbidden', filters: 2 },
    { deviceId: 'pump-7', filter: '$share/all/devices/pump-7/#', code: 'shared-subscription' },
    { deviceId: 'pump-7', filter: 'devices/pump-7/commands/97', code: 'too-many-subscriptions' },
  ]);
  const after = await Promise.all(codes.map((code) => valueOf(subscriptionsRefusedTotal, code)));
  expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([2, 1, 1]);
});

it('a device that is made to wait because it sends too fast is logged', async () => {
  const { lines, open } = await givenGateway(1);
  const client = await open();
  await client.next();
  for (const messageId of [1, 2])
    client.send({
      cmd: 'publish',
      topic: 'devices/pump-7/telemetry',
      payload: '{"n":1}',
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });
  expect(await lines.said('device sends too fast, it has to wait')).toMatchObject({
    level: 40,
    deviceId: 'pump-7',
    perSecond: 1,
  });
});

it('a device that is closed because it was too fast for a minute is logged, and its waiting once a minute', () => {
  const lines = givenLogLines();
  let now = 0;
  const around = {
    port: { pace: () => undefined, ingest: () => undefined },
    limits: { ...DEFAULT_LIMITS, connectTimeoutMs: 1e9 }, // no CONNECT comes
    maxMessagesPerSecond: 1,
    epoch: { now: () => now },
    now: () => now,
    lines: new ConnectionLines(new RepeatedLines(lines.logger, { now: () => now })),
  } as unknown as Surroundings; // what a connection that is open asks for
  const connection = new DeviceConnection(new PassThrough(), '127.0.0.1', around);
  connection.session = { deviceId: 'pump-7', topicPrefix: 'devices/pump-7/' } as DeviceSession; // it has logged in
  const bytes = Buffer.from('{"a":1}');
  const message = { properties: {}, bytes, payloadAt: 0, payloadEnd: 7 } as InboundPublish; // what is looked at of it
  for (let second = 0; second < 60; second += 1) {
    connection.publish(message, 'devices/pump-7/telemetry', 1);
    connection.publish(message, 'devices/pump-7/telemetry', 2);
    now += 1_000;
    connection.tick();
  }
  expect(lines.all.map(({ msg, deviceId, perSecond }) => [msg, deviceId, perSecond])).toEqual([
    ['device sends too fast, it has to wait', 'pump-7', 1],
    ['device sent too fast for a minute, connection closed', 'pump-7', 1],
  ]);
});

it('a will that is addressed elsewhere is logged with its topic', async () => {
  const { lines, open } = await givenGateway();
  const will = {
    topic: 'devices/pump-8/telemetry',
    payload: Buffer.from('{}'),
    qos: 0,
    retain: false,
  } as const;
  await (await open({ ...FIVE, will })).next();
  expect(await lines.said('connect refused')).toMatchObject({ code: 'will-elsewhere', topic: will.topic });
});

it('who may not log in is told the same in every case, and the log says which it was', async () => {
  const { lines, port } = await givenGateway();
  const answers: string[] = [];
  for (const [name, secret] of [
    ['pump-7', 'wrong'],
    ['pump-8', SECRET],
  ] as const) {
    const client = await PacketClient.open(port, {
      ...FIVE,
      clientId: name,
      username: name,
      password: Buffer.from(secret),
    });
    client.socket.on('data', (chunk) => answers.push(chunk.toString('hex')));
    await client.closed;
  }
  expect(answers).toHaveLength(2);
  expect(answers[0]).toBe(answers[1]);
  expect(Buffer.from(answers[0] ?? '', 'hex').toString('latin1')).toContain('the user name is the device id');
  const codes = lines.all.filter(({ msg }) => msg === 'connect refused').map(({ code }) => code);
  expect(codes).toEqual(['device-secret-wrong', 'device-unknown']);
});
