import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection } from '../testing/given-connection.js';
import { aConnect, anAcknowledgement, aPublish, aSubscribe, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import { InboundState } from './inbound-state.js';
import { SessionState } from './session-state.js';

it('acknowledges in the order of the messages, whatever the order of the answers', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 3 }), aPublish({ packetId: 1 }), aPublish({ packetId: 2, qos: 2 }));
  await turns();
  given.settle(2);
  given.settle(1);
  expect(await given.client.all()).toEqual([]);
  given.settle(0);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.puback, packetId: 3 },
    { type: PacketType.puback, packetId: 1 },
    { type: PacketType.pubrec, packetId: 2 },
  ]);
});

it('writes the acknowledgements of one turn at once', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(...Array.from({ length: 50 }, (_, index) => aPublish({ packetId: index + 1 })));
  await turns();
  const before = given.client.chunks;
  for (let index = 0; index < 50; index += 1) given.settle(index);
  expect(await given.client.all()).toHaveLength(50);
  expect(given.client.chunks - before).toBe(1);
});

it('refuses with a reason in MQTT 5, and takes the message as read before', async () => {
  const [five, four] = await Promise.all([
    anOpenConnection({ settles: false }),
    anOpenConnection({ settles: false, version: 4 }),
  ]);
  for (const given of [five, four]) {
    given.client.send(aPublish({ packetId: 1 }));
    await turns();
    given.settle(0, ReasonCode.quotaExceeded, 'full');
  }
  expect(await five.client.take(PacketType.puback)).toMatchObject({
    reasonCode: ReasonCode.quotaExceeded,
    properties: { reasonString: 'full' },
  });
  expect(await four.client.take(PacketType.puback)).toMatchObject({ packetId: 1, reasonCode: 0 });
});

it('ignores an answer that comes twice', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1 }), aPublish({ packetId: 2 }));
  await turns();
  given.settle(0);
  given.settle(0);
  expect(await given.client.all()).toHaveLength(1);
  expect(given.connection.unsettled).toBe(1);
});

it('keeps to the first answer of a message that waits for one before it', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1 }), aPublish({ packetId: 2 }));
  await turns();
  given.settle(1, ReasonCode.noMatchingSubscribers);
  given.settle(1, ReasonCode.quotaExceeded, 'full');
  given.settle(0);
  expect(await given.client.all()).toMatchObject([
    { packetId: 1, reasonCode: 0 },
    { packetId: 2, reasonCode: ReasonCode.noMatchingSubscribers, properties: {} },
  ]);
});

it('counts the QoS 2 messages of an MQTT 5 client on its own connection against its Receive Maximum alone', async () => {
  const given = await anOpenConnection({ limits: { receiveMaximum: 10, unreleasedMaximum: 2 } });
  given.client.send(...[1, 2, 3, 4].map((packetId) => aPublish({ packetId, qos: 2 })));
  expect((await given.client.all()).map(({ type }) => type)).toEqual(Array(4).fill(PacketType.pubrec));
});

it('does not read an MQTT 3.1.1 client at the in-flight limit, and answers its PINGREQ before', async () => {
  const given = await anOpenConnection({ version: 4, settles: false, limits: { receiveMaximum: 2 } });
  given.client.send(
    aPublish({ packetId: 1 }),
    PINGREQ,
    aPublish({ packetId: 2 }),
    PINGREQ,
    aPublish({ packetId: 3 }),
  );
  expect(await given.client.all()).toMatchObject([{ type: PacketType.pingresp }]);
  expect(given.arrived).toHaveLength(2);
  given.settle(0);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.puback },
    { type: PacketType.pingresp },
  ]);
  expect(given.arrived).toHaveLength(3);
});

it('disconnects an MQTT 5 client that exceeds the Receive Maximum with 0x93', async () => {
  const given = await anOpenConnection({ settles: false, limits: { receiveMaximum: 2 } });
  given.client.send(aPublish({ packetId: 1 }), aPublish({ packetId: 2 }), aPublish());
  expect(await given.client.all()).toEqual([]); // QoS 0 does not count
  given.client.send(aPublish({ packetId: 3 }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.receiveMaximumExceeded,
  });
});

it('counts QoS 2 messages until their PUBREL', async () => {
  const given = await anOpenConnection({ limits: { receiveMaximum: 2 } });
  const publish = (packetId: number) => aPublish({ packetId, qos: 2 });
  given.client.send(publish(1), publish(2), anAcknowledgement(PacketType.pubrel, 1), publish(3));
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.pubrec,
    PacketType.pubrec,
    PacketType.pubcomp,
    PacketType.pubrec,
  ]);
  given.client.send(publish(4));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.receiveMaximumExceeded,
  });
});

it('bounds what an MQTT 3.1.1 client never releases by its own limit', async () => {
  const given = await anOpenConnection({ version: 4, limits: { receiveMaximum: 2, unreleasedMaximum: 5 } });
  given.client.send(...[1, 2, 3, 4, 5].map((packetId) => aPublish({ packetId, qos: 2 })));
  expect(await given.client.all()).toHaveLength(5);
  expect(given.session.inbound.size).toBe(5);
  given.client.send(aPublish({ packetId: 6, qos: 2 }));
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reasonCode: ReasonCode.receiveMaximumExceeded }]);
});

it('hands a QoS 2 message over once, however often it is sent', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1, qos: 2 }), aPublish({ packetId: 1, qos: 2, dup: true }));
  await turns();
  given.settle(0);
  given.client.send(aPublish({ packetId: 1, qos: 2, dup: true }));
  expect((await given.client.all()).map(({ type }) => type)).toEqual([PacketType.pubrec, PacketType.pubrec]);
  given.client.send(anAcknowledgement(PacketType.pubrel, 1), anAcknowledgement(PacketType.pubrel, 1));
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.pubcomp, reasonCode: 0 },
    { type: PacketType.pubcomp, reasonCode: ReasonCode.packetIdentifierNotFound },
  ]);
  given.client.send(aPublish({ packetId: 1, qos: 2 }));
  await turns();
  expect(given.arrived).toHaveLength(2); // released: the id is a new message
});

it('forgets a QoS 2 message that was refused', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1, qos: 2 }));
  await turns();
  given.settle(0, ReasonCode.quotaExceeded);
  expect(await given.client.all()).toMatchObject([{ type: PacketType.pubrec, reasonCode: 0x97 }]);
  given.client.send(aPublish({ packetId: 1, qos: 2 }));
  await turns();
  expect(given.arrived).toHaveLength(2);
});

it('knows the topic of an alias, and its last one', async () => {
  const given = await anOpenConnection({ limits: { topicAliasMaximum: 2 } });
  const said = (topic: string, topicAlias: number) => aPublish({ topic, properties: { topicAlias } });
  given.client.send(said('one', 1), said('two', 2), said('', 1), said('other', 1), said('', 1), said('', 2));
  await turns();
  expect(given.arrived.map(({ topic }) => topic)).toEqual(['one', 'two', 'one', 'other', 'other', 'two']);
});

it.each([
  ['an alias above the maximum', 'a', 3, ReasonCode.topicAliasInvalid],
  ['an alias that stands for nothing', '', 2, ReasonCode.protocolError],
])('refuses %s', async (_, topic, topicAlias, reasonCode) => {
  const given = await anOpenConnection({ limits: { topicAliasMaximum: 2 } });
  given.client.send(aPublish({ topic, properties: { topicAlias } }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({ reasonCode });
  expect(given.arrived).toHaveLength(0);
});

it('refuses a retained message, and a retained will, where they are not served', async () => {
  const limits = { retainAvailable: false };
  const given = await anOpenConnection({ limits });
  given.client.send(aPublish({ retain: true }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.retainNotSupported,
  });
  await expect(
    anOpenConnection({ limits, connect: aConnect({ will: aPublish({ retain: true }) }) }),
  ).resolves.toMatchObject({ connects: [] });
});

it('says for how long its oldest message has waited', async () => {
  const given = await anOpenConnection({ settles: false });
  expect(given.connection.oldestUnsettled).toBeUndefined();
  given.client.send(aPublish({ packetId: 1 }));
  await turns();
  const since = given.now;
  await given.later(5_000);
  expect(given.connection.oldestUnsettled).toBe(since);
});

it('answers the PINGREQ of an MQTT 5 client at its in-flight limit', async () => {
  const given = await anOpenConnection({ settles: false, limits: { receiveMaximum: 2 } });
  given.client.send(aPublish({ packetId: 1 }), aPublish({ packetId: 2 }), PINGREQ);
  expect(await given.client.all()).toEqual([{ type: PacketType.pingresp }]);
});

it('stops reading a client whose SUBSCRIBEs wait for their answers', async () => {
  const given = await anOpenConnection({ version: 4, limits: { receiveMaximum: 2 } });
  given.client.send(...[1, 2, 3].map((packetId) => aSubscribe('a', { packetId })));
  await turns();
  expect(given.subscribes).toHaveLength(2);
  given.connection.suback(1, [ReasonCode.success]);
  await turns();
  expect(given.subscribes).toHaveLength(3);
});

it('counts no QoS 2 messages of an earlier connection against the Receive Maximum', async () => {
  const session = new SessionState({ queueMaximum: 1 }, new InboundState([7, 8]));
  const given = await anOpenConnection({ session, limits: { receiveMaximum: 2 } });
  const publish = (packetId: number) => aPublish({ packetId, qos: 2 });
  given.client.send(publish(1), publish(7), anAcknowledgement(PacketType.pubrel, 7), publish(2));
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.pubrec, packetId: 1 },
    { type: PacketType.pubrec, packetId: 7 },
    { type: PacketType.pubcomp, packetId: 7 },
    { type: PacketType.pubrec, packetId: 2 },
  ]);
  given.client.send(publish(7)); // released: a new one, and one too many
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.receiveMaximumExceeded,
  });
});

it('bounds what an MQTT 5 client never releases from one connection to the next', async () => {
  const session = new SessionState({ queueMaximum: 1 }, new InboundState([1, 2, 3, 4, 5]));
  const given = await anOpenConnection({ session, limits: { receiveMaximum: 2, unreleasedMaximum: 5 } });
  given.client.send(aPublish({ packetId: 6 }));
  await given.client.take(PacketType.puback); // QoS 1 is not concerned
  given.client.send(aPublish({ packetId: 6, qos: 2 }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.receiveMaximumExceeded,
    properties: { reasonString: 'more than 5 QoS 2 messages wait for PUBREL' },
  });
});

it('is not misled by a second answer to the same SUBSCRIBE', async () => {
  const given = await anOpenConnection({ version: 4, limits: { receiveMaximum: 2 } });
  given.client.send(aSubscribe('a'));
  await turns();
  for (let answer = 0; answer < 5; answer += 1) given.connection.suback(1, [ReasonCode.success]);
  given.client.send(...[2, 3, 4, 5].map((packetId) => aSubscribe('a', { packetId })));
  await turns();
  expect(given.subscribes).toHaveLength(3);
});
