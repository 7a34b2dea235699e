import { expect, it } from '@jest/globals';
import { PacketType, type Packet, type Qos } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage, anAcknowledgement } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import type { OutboundMessage } from './connection-handler.js';
import { DEFAULT_LIMITS } from './limits.js';
import { SessionState } from './session-state.js';

/** Sends them, and notes what becomes of each. */
function send(
  given: GivenConnection,
  qos: Qos,
  topics: readonly string[],
  more: Partial<OutboundMessage> = {},
): string[] {
  const outcomes: string[] = [];
  for (const topic of topics)
    given.connection.send({
      ...aMessage({ topic }),
      qos,
      done: (outcome) => outcomes.push(`${topic} ${outcome}`),
      ...more,
    });
  return outcomes;
}

const topicsOf = (packets: readonly Packet[]) =>
  packets.map((packet) => ('topic' in packet ? packet.topic : packet.type));

it('sends as many as the Receive Maximum of the client allows, and the next one for each acknowledgement', async () => {
  const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 2 } } });
  const outcomes = send(given, 1, ['a', 'b', 'c', 'd']);
  expect(topicsOf(await given.client.all())).toEqual(['a', 'b']);
  given.client.send(anAcknowledgement(PacketType.puback, 1));
  expect(topicsOf(await given.client.all())).toEqual(['c']);
  expect(outcomes).toEqual(['a acknowledged']);
});

it('keeps a QoS 2 message in the window until PUBCOMP', async () => {
  const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 1 } } });
  const outcomes = send(given, 2, ['a', 'b']);
  expect(topicsOf(await given.client.all())).toEqual(['a']);
  given.client.send(anAcknowledgement(PacketType.pubrec, 1), anAcknowledgement(PacketType.pubrec, 1));
  expect((await given.client.all()).map(({ type }) => type)).toEqual([PacketType.pubrel, PacketType.pubrel]);
  given.client.send(anAcknowledgement(PacketType.pubcomp, 1));
  expect(topicsOf(await given.client.all())).toEqual(['b']);
  expect(outcomes).toEqual(['a acknowledged']);
});

it('is told by the client that a message is refused, and frees its place', async () => {
  const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 1 } } });
  const outcomes = send(given, 2, ['a', 'b']);
  await turns();
  given.client.send(anAcknowledgement(PacketType.pubrec, 1, ReasonCode.quotaExceeded));
  await turns();
  expect(topicsOf(await given.client.all())).toEqual(['a', 'b']);
  expect(outcomes).toEqual(['a refused']);
});

it.each<[Qos, 'puback' | 'pubrec' | 'pubcomp']>([
  [1, 'pubrec'],
  [1, 'pubcomp'],
  [2, 'puback'],
  [2, 'pubcomp'],
])('ends the connection when QoS %i is answered with %s', async (qos, type) => {
  const given = await anOpenConnection();
  send(given, qos, ['a']);
  await given.client.take(PacketType.publish);
  given.client.send(anAcknowledgement(PacketType[type], 1));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.protocolError,
  });
});

it('answers a PUBREC for a message that it does not know, and ignores a late PUBACK and PUBCOMP', async () => {
  const [five, four] = await Promise.all([anOpenConnection(), anOpenConnection({ version: 4 })]);
  for (const { client } of [five, four])
    client.send(
      anAcknowledgement(PacketType.puback, 9),
      anAcknowledgement(PacketType.pubcomp, 9),
      anAcknowledgement(PacketType.pubrec, 9),
    );
  expect(await five.client.all()).toMatchObject([{ type: PacketType.pubrel, packetId: 9, reasonCode: 0x92 }]);
  expect(await four.client.all()).toMatchObject([{ type: PacketType.pubrel, packetId: 9, reasonCode: 0 }]);
});

it('sends again what was not acknowledged, in its order and under its ids, and PUBREL for what was released', async () => {
  const first = await anOpenConnection();
  send(first, 1, ['one']);
  send(first, 2, ['two', 'three']);
  await turns();
  first.client.send(anAcknowledgement(PacketType.pubrec, 3));
  await turns();
  first.client.stream.end();
  await turns();
  send(first, 1, ['too late']);
  first.session.outbound.add({ ...aMessage({ topic: 'queued' }), qos: 1 }, first.now);
  const second = await anOpenConnection({ session: first.session });
  expect(await second.client.all()).toMatchObject([
    { type: PacketType.pubrel, packetId: 3 },
    { type: PacketType.publish, topic: 'one', packetId: 1, dup: true },
    { type: PacketType.publish, topic: 'two', packetId: 2, dup: true },
    { type: PacketType.publish, topic: 'queued', packetId: 4, dup: false },
  ]);
});

it('does not exceed the Receive Maximum of the new connection with what the old one has sent', async () => {
  const first = await anOpenConnection();
  send(first, 1, ['a', 'b', 'c']);
  await turns();
  first.client.stream.end();
  await turns();
  const second = await anOpenConnection({
    session: first.session,
    connect: { properties: { receiveMaximum: 1 } },
  });
  expect(topicsOf(await second.client.all())).toEqual(['a']);
  second.client.send(anAcknowledgement(PacketType.puback, 1));
  expect(topicsOf(await second.client.all())).toEqual(['b']);
  second.client.send(anAcknowledgement(PacketType.puback, 2));
  expect(topicsOf(await second.client.all())).toEqual(['c']);
});

it('counts the message expiry down, and does not send what has expired', async () => {
  const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 1 } } });
  send(given, 1, ['first']);
  const outcomes = [
    send(given, 1, ['short'], { expiresAt: given.now + 5_000 }),
    send(given, 1, ['long'], { expiresAt: given.now + 60_000 }),
  ];
  await given.client.take(PacketType.publish);
  given.now += 10_000;
  given.client.send(anAcknowledgement(PacketType.puback, 1));
  expect(await given.client.take(PacketType.publish)).toMatchObject({
    topic: 'long',
    properties: { messageExpiryInterval: 50 },
  });
  expect(outcomes).toEqual([['short expired'], []]);
});

it('rounds what is left of an expiry up, and never says 0', async () => {
  const given = await anOpenConnection();
  for (const ms of [1, 1_000, 1_001, 59_500]) send(given, 0, ['a'], { expiresAt: given.now + ms });
  const said = (await given.client.all()).map((packet) => 'properties' in packet && packet.properties);
  expect(said).toEqual([1, 1, 2, 60].map((messageExpiryInterval) => ({ messageExpiryInterval })));
});

it('says one second of an expiry that is over where a message must be sent again', async () => {
  const first = await anOpenConnection();
  send(first, 1, ['a'], { expiresAt: first.now + 5_000 });
  await first.client.take(PacketType.publish);
  first.client.stream.end();
  await turns();
  const second = new GivenConnection({ session: first.session });
  second.now = first.now + 60_000;
  second.client.send(aConnect());
  await second.client.take(PacketType.connack);
  expect(await second.client.take(PacketType.publish)).toMatchObject({
    dup: true,
    properties: { messageExpiryInterval: 1 },
  });
});

it.each([
  ['acknowledged by PUBREC', ReasonCode.success],
  ['refused', ReasonCode.quotaExceeded],
])(
  'does not send a message again that was %s before its turn on the new connection',
  async (_, reasonCode) => {
    const first = await anOpenConnection();
    send(first, 2, ['a', 'b', 'c']);
    await turns();
    first.client.stream.end();
    await turns();
    const second = await anOpenConnection({
      session: first.session,
      connect: { properties: { receiveMaximum: 2 } },
    });
    expect(topicsOf(await second.client.all())).toEqual(['a', 'b']);
    second.client.send(anAcknowledgement(PacketType.pubrec, 3, reasonCode)); // of what the first connection has sent
    if (reasonCode === ReasonCode.success) await second.client.take(PacketType.pubrel);
    second.client.send(anAcknowledgement(PacketType.pubrec, 1, ReasonCode.quotaExceeded));
    expect(topicsOf(await second.client.all())).toEqual([]);
  },
);

it('does not send what is larger than the client takes, and goes on with the next', async () => {
  const given = await anOpenConnection({ connect: { properties: { maximumPacketSize: 50 } } });
  const large = send(given, 1, ['large'], { payload: Buffer.alloc(60) });
  send(given, 1, ['small']);
  expect(topicsOf(await given.client.all())).toEqual(['small']);
  expect(large).toEqual(['large too-large']);
  expect(given.session.outbound.inFlight).toBe(1);
});

it('drops what exceeds the queue, by number and by bytes', async () => {
  const byNumber = await anOpenConnection({ limits: { sendMaximum: 1, queueMaximum: 2 } });
  expect(send(byNumber, 1, ['a', 'b', 'c', 'd'])).toEqual(['d queue-full']);
  const byBytes = await anOpenConnection({ limits: { sendMaximum: 1, queueMaximumBytes: 850 } });
  const payload = Buffer.alloc(100);
  expect(send(byBytes, 1, ['a', 'b', 'c', 'd', 'e'], { payload })).toEqual(['d queue-full', 'e queue-full']);
  await turns();
  byBytes.client.send(anAcknowledgement(PacketType.puback, 1));
  await turns();
  expect(send(byBytes, 1, ['f'], { payload })).toEqual([]); // there is room again
});

it('counts each of many empty properties of a message that waits', async () => {
  const given = await anOpenConnection({ limits: { sendMaximum: 1, queueMaximumBytes: 100_000 } });
  const userProperties = Array.from({ length: 1_000 }, () => ['', ''] as const);
  expect(send(given, 1, ['sent', 'waits'])).toEqual([]);
  expect(send(given, 1, ['dropped'], { properties: { userProperties } })).toEqual(['dropped queue-full']);
});

it('tells of a message that no packet can hold, and keeps its session usable', async () => {
  const session = new SessionState(DEFAULT_LIMITS);
  const given = await anOpenConnection({ session });
  const outcomes = send(given, 1, ['t'.repeat(65_536)]);
  expect(outcomes).toEqual([`${'t'.repeat(65_536)} too-large`]);
  expect(session.outbound.inFlight).toBe(0);
  send(given, 1, ['a']);
  expect(topicsOf(await given.client.all())).toEqual(['a']);
});

it('says nothing of an expiry that never comes', async () => {
  const given = await anOpenConnection();
  send(given, 0, ['a'], { expiresAt: Infinity });
  expect(await given.client.take(PacketType.publish)).toMatchObject({ topic: 'a', properties: {} });
});

it('drops what has expired before it drops what has not', async () => {
  const given = await anOpenConnection({ limits: { sendMaximum: 1, queueMaximum: 3 } });
  send(given, 1, ['sent']);
  const outcomes = [
    send(given, 1, ['a', 'b'], { expiresAt: given.now + 1_000 }),
    send(given, 1, ['c'], { expiresAt: given.now + 2_000 }),
  ];
  given.now += 1_000;
  outcomes.push(send(given, 1, ['d', 'e', 'f']));
  expect(outcomes).toEqual([['a expired', 'b expired'], [], ['f queue-full']]);
});

it('keeps the properties of a message and leaves them out before MQTT 5', async () => {
  const properties = {
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ] as const,
    contentType: 'text/plain',
  };
  const [five, four] = await Promise.all([anOpenConnection(), anOpenConnection({ version: 4 })]);
  for (const given of [five, four]) send(given, 0, ['a'], { properties, expiresAt: given.now + 1_000 });
  expect((await five.client.take(PacketType.publish)).properties).toEqual({
    ...properties,
    messageExpiryInterval: 1,
  });
  expect((await four.client.take(PacketType.publish)).properties).toEqual({});
});

it('holds the queue back while the client does not read', async () => {
  const given = await anOpenConnection();
  given.client.stream.pause();
  send(
    given,
    0,
    Array.from({ length: 50 }, (_, index) => `${index}`),
    { payload: Buffer.alloc(20_000) },
  );
  await turns();
  expect(given.session.outbound.length).toBeGreaterThan(40);
  given.client.stream.resume();
  expect(await given.client.all()).toHaveLength(50);
});

it('tells every message of a session that is over, and whether it was sent', async () => {
  const given = await anOpenConnection({ limits: { sendMaximum: 1 } });
  const outcomes = send(given, 1, ['sent', 'waits']);
  await turns();
  given.session.outbound.abandon();
  expect(outcomes).toEqual(['sent lost', 'waits abandoned']);
});

it('does not say of a message that an earlier connection has sent that it was too large to be sent', async () => {
  const first = await anOpenConnection();
  const outcomes = send(first, 1, ['large'], { payload: Buffer.alloc(60) });
  await first.client.take(PacketType.publish);
  first.client.stream.end();
  await turns();
  const connect = { properties: { maximumPacketSize: 50 } };
  const second = await anOpenConnection({ session: first.session, connect });
  expect(await second.client.all()).toEqual([]);
  expect(outcomes).toEqual(['large lost']);
  expect(first.session.outbound.inFlight).toBe(0);
});
