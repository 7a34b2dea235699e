import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection } from '../testing/given-connection.js';
import { aDisconnect, anAcknowledgement, aPublish, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';

it('answers QoS 0 not at all, QoS 1 with PUBACK and QoS 2 with PUBREC, when who stands behind it answers for the message', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish(), aPublish({ packetId: 3 }), aPublish({ packetId: 9, qos: 2 }));
  expect(await given.client.all()).toEqual([]);
  expect(given.arrived.map(({ message: { qos } }) => qos)).toEqual([0, 1, 2]);
  given.settle(1);
  given.settle(2);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.puback, packetId: 3, reasonCode: 0 },
    { type: PacketType.pubrec, packetId: 9, reasonCode: 0 },
  ]);
});

it('takes the id of a QoS 1 message that was acknowledged as that of a new one, whatever DUP says', async () => {
  const given = await anOpenConnection();
  given.client.send(aPublish({ packetId: 1, payload: 'one' }));
  await given.client.take(PacketType.puback);
  given.client.send(aPublish({ packetId: 1, payload: 'two', dup: true }));
  await given.client.take(PacketType.puback);
  expect(given.arrived.map(({ message }) => message.payload.toString())).toEqual(['one', 'two']);
});

it('answers PUBREL with PUBCOMP of the same id, and takes the id for a new message then', async () => {
  const given = await anOpenConnection();
  for (const round of [1, 2]) {
    given.client.send(aPublish({ packetId: 5, qos: 2 }));
    expect(await given.client.take(PacketType.pubrec)).toMatchObject({ packetId: 5, reasonCode: 0 });
    given.client.send(anAcknowledgement(PacketType.pubrel, 5));
    expect(await given.client.take(PacketType.pubcomp)).toMatchObject({ packetId: 5, reasonCode: 0 });
    expect(given.arrived).toHaveLength(round);
  }
});

it('brings the exchange of a QoS 2 message to its end that has expired meanwhile', async () => {
  const given = await anOpenConnection();
  given.client.send(aPublish({ packetId: 5, qos: 2, properties: { messageExpiryInterval: 1 } }));
  await given.client.take(PacketType.pubrec);
  await given.later(60_000);
  given.client.send(anAcknowledgement(PacketType.pubrel, 5));
  expect(await given.client.take(PacketType.pubcomp)).toMatchObject({ packetId: 5, reasonCode: 0 });
});

it('takes every topic alias up to its maximum, and forgets all of them with the connection', async () => {
  const settings = { limits: { topicAliasMaximum: 16 } };
  const first = await anOpenConnection(settings);
  const aliases = Array.from({ length: 16 }, (_, index) => index + 1);
  first.client.send(
    ...aliases.map((topicAlias) => aPublish({ topic: `t/${topicAlias}`, properties: { topicAlias } })),
  );
  first.client.send(...aliases.map((topicAlias) => aPublish({ topic: '', properties: { topicAlias } })));
  await turns();
  const topics = aliases.map((alias) => `t/${alias}`);
  expect(first.arrived.map(({ topic }) => topic)).toEqual([topics, topics].flat());
  const second = await anOpenConnection({ ...settings, session: first.session });
  second.client.send(aPublish({ topic: '', properties: { topicAlias: 1 } }));
  expect(await second.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.protocolError,
  });
});

it('answers PINGREQ with PINGRESP', async () => {
  const given = await anOpenConnection();
  given.client.send(PINGREQ, PINGREQ);
  expect(await given.client.all()).toEqual([{ type: PacketType.pingresp }, { type: PacketType.pingresp }]);
});

it.each([
  ['a malformed packet', Buffer.from('32050001610001', 'hex'), ReasonCode.malformedPacket],
  ['a protocol error', Buffer.from([0x20, 3, 0, 0, 0]), ReasonCode.protocolError],
])(
  'ends the connection on %s, with a DISCONNECT that says so and is the last it sends',
  async (_, bytes, reasonCode) => {
    const given = await anOpenConnection({ settles: false });
    given.client.send(aPublish({ packetId: 1 }));
    await turns();
    given.client.send(bytes, PINGREQ);
    expect(await given.client.take(PacketType.disconnect)).toMatchObject({ reasonCode });
    given.settle(0);
    expect(await given.client.next()).toBe('closed');
    expect(given.ends).toMatchObject([{ reason: 'protocol-error', reasonCode }]);
  },
);

it('says and hears nothing after the DISCONNECT of the client', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1 }), aDisconnect(), aPublish({ packetId: 2 }), PINGREQ);
  await turns();
  given.settle(0);
  expect(await given.client.all()).toEqual([]);
  expect(given.client.isClosed).toBe(true);
  expect(given.arrived).toHaveLength(1);
});
