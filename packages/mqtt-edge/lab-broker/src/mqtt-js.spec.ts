import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { LabServer } from './lab-server.js';

/** A second further with each call of `later`, and standing still otherwise. */
let now: number;
let lab: LabServer;
let port: number;
const clients: MqttClient[] = [];

beforeEach(async () => {
  now = 1_000_000;
  lab = new LabServer({ host: '127.0.0.1', port: 0, limits: { keepAliveMaximum: 30 }, now: () => now });
  port = await lab.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await lab.stop();
});

it('obeys the Maximum Packet Size of the client', async () => {
  const { heard } = await reader({ properties: { maximumPacketSize: 200 } });
  await publish('large', 'x'.repeat(300));
  await publish('small', 'x');
  expect(await topics(heard, 1)).toEqual(['small']);
});

it('obeys the Receive Maximum of the client', async () => {
  const acknowledge: (() => void)[] = [];
  const { mqtt } = await reader({
    properties: { receiveMaximum: 2 },
    customHandleAcks: (_topic, _message, _packet, done) => {
      acknowledge.push(() => done(0));
    },
  });
  let bytes = ''; // for it handles one message after the other, whatever has come
  mqtt.stream.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')));
  for (const topic of ['topic-1', 'topic-2', 'topic-3']) await publish(topic, 'x');
  await until(() => bytes.includes('topic-2') && acknowledge.length === 1);
  await publish('topic-4', 'x'); // answered behind whatever was sent to the reader before
  expect(bytes.match(/topic-./g)).toEqual(['topic-1', 'topic-2']);
  acknowledge.shift()?.();
  await until(() => bytes.includes('topic-3'));
});

it('publishes a will after its delay', async () => {
  const { heard } = await reader();
  const lost = await client({
    properties: { sessionExpiryInterval: 60 },
    will: {
      topic: 'will',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
      properties: { willDelayInterval: 10 },
    },
    reconnectPeriod: 0,
  });
  lost.stream.destroy();
  await happens(lost, 'close');
  await publish('after the loss', 'x');
  later(9_999);
  await publish('before the delay', 'x');
  later(1);
  expect(await topics(heard, 3)).toEqual(['after the loss', 'before the delay', 'will']);
});

it('brings the subscription identifiers of all subscriptions that match', async () => {
  const { heard, mqtt } = await reader();
  await mqtt.unsubscribeAsync('#');
  await mqtt.subscribeAsync('a/+', { qos: 1, properties: { subscriptionIdentifier: 5 } });
  await mqtt.subscribeAsync('a/#', { qos: 1, properties: { subscriptionIdentifier: 300 } });
  await publish('a/b', 'x');
  await topics(heard, 1);
  const identifiers = [heard[0]?.properties?.subscriptionIdentifier ?? []].flat();
  expect(identifiers.toSorted((a, b) => a - b)).toEqual([5, 300]);
});

it('keeps the queue of a session whose client is away, and drops from it what has expired', async () => {
  const session = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 3_600 } };
  const { mqtt } = await reader(session);
  await mqtt.endAsync(true);
  await publish('first', 'x');
  await publish('short', 'x', 10);
  await publish('long', 'x', 100);
  later(30_000);
  const heard: IPublishPacket[] = [];
  await client(session, heard);
  expect(await topics(heard, 2)).toEqual(['first', 'long']);
  expect(heard[1]?.properties?.messageExpiryInterval).toBe(70);
});

it('disconnects who is silent for one and a half of the Server Keep Alive that it was told', async () => {
  const silent = await client({ keepalive: 600, reconnectPeriod: 0, reschedulePings: false });
  later(44_999);
  await publish('nobody', 'x');
  expect(silent.connected).toBe(true);
  const disconnected = happens(silent, 'disconnect');
  later(1);
  expect(await disconnected).toMatchObject({ reasonCode: 0x8d });
});

async function client(options: IClientOptions = {}, heard: IPublishPacket[] = []): Promise<MqttClient> {
  const mqtt = connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, ...options });
  clients.push(mqtt);
  mqtt.on('message', (_topic, _payload, packet) => heard.push(packet)); // before what waits for it comes
  await happens(mqtt, 'connect');
  return mqtt;
}

/** Of everything. */
async function reader(
  options: IClientOptions = {},
): Promise<{ readonly mqtt: MqttClient; readonly heard: readonly IPublishPacket[] }> {
  const heard: IPublishPacket[] = [];
  const mqtt = await client(options, heard);
  await mqtt.subscribeAsync('#', { qos: 1 });
  return { mqtt, heard };
}

async function publish(topic: string, payload: string, messageExpiryInterval?: number): Promise<void> {
  const writer = await client();
  const properties = messageExpiryInterval === undefined ? {} : { messageExpiryInterval };
  await writer.publishAsync(topic, payload, { qos: 1, properties });
  await writer.endAsync();
}

function happens(mqtt: MqttClient, event: 'connect' | 'close' | 'disconnect'): Promise<unknown> {
  return new Promise((resolve) => {
    mqtt.once(event, (packet?: unknown) => resolve(packet));
  });
}

function later(ms: number): void {
  now += ms;
  lab.tick();
}

async function topics(heard: readonly IPublishPacket[], count: number): Promise<readonly string[]> {
  await until(() => heard.length >= count);
  return heard.map(({ topic }) => topic);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
