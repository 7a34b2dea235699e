import { expect, it } from '@jest/globals';
import { PacketType } from '@fieldgate/mqtt-edge';
import { aPublish, anAcknowledgement } from '../../src/testing/packets.js';
import { GivenLab, lost, messagesOf, payloadsOf, topicsOf } from './testing/given-lab.js';

const KEPT = { clientId: 'reader', clean: false, expiry: 3_600 };

it('delivers to every session with a subscription that matches, also to those that are away', async () => {
  const lab = new GivenLab();
  const here = await lab.subscriber('a');
  const away = await lab.subscriber('+', { qos: 1, connect: KEPT });
  const other = await lab.subscriber('b');
  await lost(away);
  await lab.publish({ payload: 'for all', packetId: 1 });
  expect(await payloadsOf(here)).toEqual(['for all']);
  expect(await payloadsOf(await lab.client(KEPT))).toEqual(['for all']);
  expect(await payloadsOf(other)).toEqual([]);
});

it('passes on the properties of a message as they came, user properties in their order', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber('a');
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'application/json',
    responseTopic: 'answers/here',
    correlationData: Buffer.from([0, 255, 0]),
    userProperties: [
      ['z', '1'],
      ['a', ''],
      ['z', '0'],
      ['z', '1'],
    ],
  } as const;
  await lab.publish({ properties: { ...properties, topicAlias: 3 } });
  const [message] = await messagesOf(client);
  expect(message?.properties).toEqual(properties);
});

it('forwards without DUP what came with it', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber('a', { qos: 2 });
  await lab.publish({ packetId: 1, qos: 2, dup: true });
  await lab.publish({ packetId: 1, qos: 1, dup: true });
  expect(await messagesOf(client)).toMatchObject([
    { qos: 2, dup: false },
    { qos: 1, dup: false },
  ]);
});

it('delivers the messages of one client in their order, on one topic and on several', async () => {
  const lab = new GivenLab({ sendMaximum: 3 });
  const reader = await lab.subscriber('#', { qos: 1 });
  const writer = await lab.client();
  const topics = Array.from({ length: 12 }, (_, index) => `${index % 3}/${index}`);
  writer.send(...topics.map((topic, index) => aPublish({ topic, packetId: index + 1 })));
  const heard: string[] = [];
  while (heard.length < topics.length) {
    const { topic, packetId = 0 } = await reader.take(PacketType.publish);
    heard.push(topic);
    reader.send(anAcknowledgement(PacketType.puback, packetId));
  }
  expect(heard).toEqual(topics);
});

it('sends no more at a time than the Receive Maximum of the client allows', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber('#', {
    qos: 1,
    connect: { properties: { receiveMaximum: 2 } },
  });
  for (const topic of ['a', 'b', 'c']) await lab.publish({ topic, packetId: 1 });
  expect(await topicsOf(client)).toEqual(['a', 'b']);
  client.send(anAcknowledgement(PacketType.puback, 1));
  expect(await topicsOf(client)).toEqual(['c']);
});

it('drops for one subscriber what is larger than its Maximum Packet Size, and delivers it to the others', async () => {
  const lab = new GivenLab();
  const small = await lab.subscriber('#', {
    qos: 1,
    connect: { properties: { maximumPacketSize: 100 } },
  });
  const large = await lab.subscriber('#');
  await lab.publish({ topic: 'large', payload: Buffer.alloc(200), packetId: 1 });
  await lab.publish({ topic: 'small', packetId: 1 });
  expect(await topicsOf(small)).toEqual(['small']);
  expect(await topicsOf(large)).toEqual(['large', 'small']);
});

it('delivers to a client that comes back what came meanwhile, in its order, and again what it has not acknowledged', async () => {
  const lab = new GivenLab();
  const reader = await lab.subscriber('#', { qos: 2, connect: KEPT });
  await lab.publish({ topic: 'sent', packetId: 1 });
  const { packetId } = await reader.take(PacketType.publish);
  await lost(reader);
  await lab.publish({ topic: 'one', packetId: 1 });
  await lab.publish({ topic: 'two', packetId: 1, qos: 2 });
  await lab.publish({ topic: 'for who is here' });
  expect(await messagesOf(await lab.client(KEPT))).toMatchObject([
    { topic: 'sent', packetId, dup: true },
    { topic: 'one', qos: 1, dup: false },
    { topic: 'two', qos: 2, dup: false },
  ]);
});

it('drops what has expired while the client was away, and tells of the rest how long it is good for', async () => {
  const lab = new GivenLab();
  await lost(await lab.subscriber('#', { qos: 1, connect: KEPT }));
  await lab.publish({ topic: 'short', packetId: 1, properties: { messageExpiryInterval: 10 } });
  await lab.publish({ topic: 'long', packetId: 1, properties: { messageExpiryInterval: 100 } });
  await lab.publish({ topic: 'ever', packetId: 1 });
  await lab.later(30_000);
  const messages = await messagesOf(await lab.client(KEPT));
  expect(messages).toMatchObject([
    { topic: 'long', properties: { messageExpiryInterval: 70 } },
    { topic: 'ever', properties: {} },
  ]);
});

it('queues for a client that is away no more than there is room for', async () => {
  const lab = new GivenLab({ queueMaximum: 3 });
  await lost(await lab.subscriber('#', { qos: 1, connect: KEPT }));
  for (const topic of ['1', '2', '3', '4']) await lab.publish({ topic, packetId: 1 });
  expect(await topicsOf(await lab.client(KEPT))).toEqual(['1', '2', '3']);
});

it('is not held up by a subscriber that does not read', async () => {
  const lab = new GivenLab();
  const frozen = await lab.subscriber('a');
  const reader = await lab.subscriber('a');
  frozen.stream.pause();
  for (let n = 0; n < 20; n += 1) await lab.publish({ payload: Buffer.alloc(50_000) });
  expect(await messagesOf(reader)).toHaveLength(20);
});
