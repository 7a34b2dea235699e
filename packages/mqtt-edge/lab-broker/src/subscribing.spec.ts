import { expect, it } from '@jest/globals';
import { PacketType, ReasonCode } from '@fieldgate/mqtt-edge';
import { aPublish, aSubscribe, anAcknowledgement } from '../../src/testing/packets.js';
import { GivenLab, messagesOf, payloadsOf, subscribed, topicsOf, unsubscribed } from './testing/given-lab.js';

it('answers each filter in its place, with the granted QoS or why not', async () => {
  const lab = new GivenLab({ subscriptionsPerClient: 3, filtersPerSubscribe: 10 });
  const client = await lab.client();
  const filters = [
    { filter: 'c', qos: 2 },
    { filter: '$share/s/a', qos: 1 },
    { filter: 'a', qos: 0 },
    { filter: '/'.repeat(200), qos: 0 },
    { filter: 'b', qos: 1 },
    { filter: 'one/too/many', qos: 0 },
  ] as const;
  client.send(aSubscribe(filters, { packetId: 4_711 }));
  expect(await client.take(PacketType.suback)).toMatchObject({
    packetId: 4_711,
    properties: { reasonString: expect.stringContaining('at most 3 subscriptions') },
    reasonCodes: [
      2,
      ReasonCode.sharedSubscriptionsNotSupported,
      0,
      ReasonCode.topicFilterInvalid,
      1,
      ReasonCode.quotaExceeded,
    ],
  });
  for (const topic of ['a', 'b', 'c']) await lab.publish({ topic, qos: 2, packetId: 1 });
  expect(await messagesOf(client)).toMatchObject([
    { topic: 'a', qos: 0 },
    { topic: 'b', qos: 1 },
    { topic: 'c', qos: 2 },
  ]);
});

it('takes no more filters at a time than others can wait for', async () => {
  const lab = new GivenLab({ filtersPerSubscribe: 2 });
  const client = await lab.client();
  const filters = ['a', 'b', 'c'].map((filter) => ({ filter }));
  expect(await subscribed(client, filters)).toEqual([0, 0, ReasonCode.quotaExceeded]);
  await lab.publish({ topic: 'c' });
  expect(await messagesOf(client)).toEqual([]);
});

it('knows one word for every refusal before MQTT 5', async () => {
  const lab = new GivenLab({ subscriptionsPerClient: 1 });
  const client = await lab.client({ version: 4 });
  expect(await subscribed(client, [{ filter: 'a', qos: 1 }, { filter: 'b' }])).toEqual([1, 0x80]);
});

it.each([
  [0, 2, 0],
  [1, 2, 1],
  [2, 1, 1],
  [2, 0, 0],
] as const)(
  'delivers at the lower QoS: message %i, subscription %i, delivery %i',
  async (qos, granted, expected) => {
    const lab = new GivenLab();
    const client = await lab.subscriber('a', { qos: granted });
    await lab.publish({ qos, ...(qos > 0 ? { packetId: 1 } : {}) });
    expect(await messagesOf(client)).toMatchObject([{ qos: expected }]);
  },
);

it('delivers one copy where subscriptions overlap, at the highest QoS, with the identifiers of all of them', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber('a/#', { qos: 0, properties: { subscriptionIdentifiers: [5] } });
  await subscribed(client, 'a/+', { qos: 2, properties: { subscriptionIdentifiers: [268_435_455] } });
  await subscribed(client, 'a/b', { qos: 1 });
  await subscribed(client, 'b', { qos: 1, properties: { subscriptionIdentifiers: [7] } });
  await lab.publish({ topic: 'a/b', qos: 2, packetId: 1 });
  const [message, ...more] = await messagesOf(client);
  expect(more).toEqual([]);
  expect(message?.qos).toBe(2);
  expect(message?.properties.subscriptionIdentifiers?.toSorted((a, b) => a - b)).toEqual([5, 268_435_455]);
});

it('replaces a subscription to the same filter, its QoS and its identifier, and loses no message', async () => {
  const lab = new GivenLab();
  await lab.publish({ retain: true, payload: 'kept' });
  const client = await lab.subscriber('a', { qos: 1, properties: { subscriptionIdentifiers: [1] } });
  await messagesOf(client);
  client.send(aSubscribe('a', { qos: 0, properties: { subscriptionIdentifiers: [2] } }), aPublish());
  expect((await client.all()).slice(1)).toMatchObject([
    { type: PacketType.publish, retain: true, properties: { subscriptionIdentifiers: [2] } },
    { type: PacketType.publish, retain: false, qos: 0, properties: { subscriptionIdentifiers: [2] } },
  ]);
  expect(await unsubscribed(client, 'a')).toEqual([0]);
  expect(await unsubscribed(client, 'a')).toEqual([ReasonCode.noSubscriptionExisted]);
});

it('does not send a client back what it has published where it wants No Local', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber([{ filter: 'a', noLocal: true }]);
  client.send(aPublish({ payload: 'own' }));
  await lab.publish({ payload: 'of another' });
  expect(await payloadsOf(client)).toEqual(['of another']);
});

it('ends the subscription with just this filter, and answers each filter in its place', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber([{ filter: 'a/b' }, { filter: 'a/+' }, { filter: 'A/b' }]);
  expect(await unsubscribed(client, 'a/#', 'a/b', 'A/b')).toEqual([ReasonCode.noSubscriptionExisted, 0, 0]);
  await lab.publish({ topic: 'A/b' });
  await lab.publish({ topic: 'a/b' });
  expect(await topicsOf(client)).toEqual(['a/b']); // by a/+
  await unsubscribed(client, 'a/+');
  await lab.publish({ topic: 'a/b' });
  expect(await topicsOf(client)).toEqual([]);
});

it('brings a delivery to its end whose subscription was ended meanwhile', async () => {
  const lab = new GivenLab();
  const client = await lab.subscriber('a', { qos: 2 });
  await lab.publish({ qos: 2, packetId: 1 });
  const { packetId = 0 } = await client.take(PacketType.publish);
  await unsubscribed(client, 'a');
  client.send(anAcknowledgement(PacketType.pubrec, packetId));
  expect(await client.take(PacketType.pubrel)).toMatchObject({ packetId, reasonCode: 0 });
  client.send(anAcknowledgement(PacketType.pubcomp, packetId));
  expect(await client.all()).toEqual([]);
});

it.each([
  ['a/#', ['a', 'a/b', 'a/b/c', 'a/'], ['ab', 'b/a', '/a']],
  ['+', ['a', ''.padEnd(1, ' ')], ['/a', 'a/', 'a/b']],
  ['+/+', ['/a', 'a/', 'a/b'], ['a', 'a/b/c']],
  ['/+', ['/a'], ['a', 'a/a']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/b/b/c', 'a/c']],
  ['#', ['a', '/', 'a/b/c'], ['$SYS/a', '$x']],
  ['+/a', ['x/a'], ['$SYS/a']],
  ['$SYS/#', ['$SYS/a', '$SYS'], ['SYS/a']],
  ['$SYS/a/+', ['$SYS/a/b'], ['$SYS/b/a']],
  ['accounts', ['accounts'], ['Accounts', '/accounts', 'accounts/', ' accounts']],
  ['caf\u00e9', ['caf\u00e9'], ['cafe\u0301']], // the same to the eye
  ['\ufeffa', ['\ufeffa'], ['a']],
])('delivers under the filter %s what matches it, and nothing else', async (filter, matching, others) => {
  const lab = new GivenLab();
  const client = await lab.subscriber(filter);
  for (const topic of [matching, others].flat()) await lab.publish({ topic });
  expect(await topicsOf(client)).toEqual(matching);
});
