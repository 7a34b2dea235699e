import { expect, it } from '@jest/globals';
import { PacketType, ReasonCode } from '@fieldgate/mqtt-edge';
import { aPublish } from '../../src/testing/packets.js';
import { GivenLab, messagesOf, payloadsOf, subscribed, topicsOf } from './testing/given-lab.js';

const retained = { retain: true, payload: 'kept' };

it('keeps the last retained message of a topic for who subscribes later', async () => {
  const lab = new GivenLab();
  await lab.publish({ ...retained, payload: 'first' });
  await lab.publish({ ...retained, packetId: 1 });
  const client = await lab.subscriber('a', { qos: 1 });
  expect(await messagesOf(client)).toMatchObject([{ topic: 'a', retain: true, qos: 1 }]);
  await subscribed(client, 'a');
  expect(await payloadsOf(client)).toEqual(['kept']);
});

it('removes what is kept when a retained message without payload comes, keeps that one not, and delivers it', async () => {
  const lab = new GivenLab();
  await lab.publish(retained);
  const here = await lab.subscriber('#');
  await messagesOf(here);
  await lab.publish({ retain: true, payload: '' });
  expect(await messagesOf(here)).toMatchObject([{ topic: 'a', retain: false }]);
  expect(await messagesOf(await lab.subscriber('a'))).toEqual([]);
});

it('leaves what is kept as it is when a message without RETAIN comes', async () => {
  const lab = new GivenLab();
  await lab.publish(retained);
  await lab.publish({ payload: 'passing' });
  await lab.publish({ payload: '' });
  expect(await payloadsOf(await lab.subscriber('a'))).toEqual(['kept']);
});

it.each([
  [0, 1, 1],
  [1, 1, 0],
  [2, 0, 0],
] as const)(
  'obeys Retain Handling %i: %i at the first subscription, %i at the next',
  async (retainHandling, first, next) => {
    const lab = new GivenLab();
    await lab.publish(retained);
    const client = await lab.subscriber([{ filter: 'a', retainHandling }]);
    expect(await messagesOf(client)).toHaveLength(first);
    await subscribed(client, [{ filter: 'a', retainHandling }]);
    expect(await messagesOf(client)).toHaveLength(next);
  },
);

it('forwards with RETAIN as it came only where the subscription asks for it', async () => {
  const lab = new GivenLab();
  const [plain, asPublished] = [
    await lab.subscriber('a'),
    await lab.subscriber([{ filter: 'a', retainAsPublished: true }]),
  ];
  await lab.publish(retained);
  await lab.publish({ payload: 'passing' });
  expect(await messagesOf(plain)).toMatchObject([{ retain: false }, { retain: false }]);
  expect(await messagesOf(asPublished)).toMatchObject([{ retain: true }, { retain: false }]);
});

it('sends every retained message whose topic matches, those of $ topics only where they are asked for', async () => {
  const lab = new GivenLab();
  for (const topic of ['a', 'a/b', 'a/b/c', 'b', '$x/a']) await lab.publish({ ...retained, topic });
  const topics = async (filter: string): Promise<readonly string[]> => topicsOf(await lab.subscriber(filter));
  expect(await topics('a/#')).toEqual(['a', 'a/b', 'a/b/c']);
  expect(await topics('+/b')).toEqual(['a/b']);
  expect(await topics('#')).toEqual(['a', 'a/b', 'a/b/c', 'b']);
  expect(await topics('+/a')).toEqual([]);
  expect(await topics('$x/+')).toEqual(['$x/a']);
});

it('lets retained messages expire, and counts their expiry down', async () => {
  const lab = new GivenLab();
  await lab.publish({ ...retained, properties: { messageExpiryInterval: 60 } });
  await lab.later(45_000);
  expect(await messagesOf(await lab.subscriber('a'))).toMatchObject([
    { properties: { messageExpiryInterval: 15 } },
  ]);
  lab.now += 15_000; // before anybody sweeps
  expect(await messagesOf(await lab.subscriber('a'))).toEqual([]);
  expect(await messagesOf(await lab.subscriber('#'))).toEqual([]);
});

it('keeps no more than there is room for, and says so', async () => {
  const lab = new GivenLab({ retainedMessages: 2, retainedBytes: 10_000 });
  const client = await lab.client();
  const answers: unknown[] = [];
  for (const [topic, size] of [
    ['one', 100],
    ['two', 20_000],
    ['two', 100],
    ['three', 100],
    ['one', 200],
  ] as const) {
    client.send(aPublish({ topic, retain: true, packetId: 1, payload: Buffer.alloc(size, 'x') }));
    answers.push((await client.take(PacketType.puback)).reasonCode);
  }
  expect(answers).toEqual([0, ReasonCode.quotaExceeded, 0, ReasonCode.quotaExceeded, 0]);
  expect(await topicsOf(await lab.subscriber('#'))).toEqual(['two', 'one']);
});
