import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection } from '../testing/given-connection.js';
import { anAcknowledgement, aPublish } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import { InboundState } from './inbound-state.js';
import { SessionState } from './session-state.js';

it('refuses a QoS 2 message under the id of a QoS 1 message that waits, and does not swallow it', async () => {
  const given = await anOpenConnection({ settles: false });
  const older = await anOpenConnection({ settles: false, version: 4 });
  for (const { client } of [given, older])
    client.send(aPublish({ packetId: 5 }), aPublish({ packetId: 5, qos: 2, payload: 'other' }));
  await turns();
  given.settle(0);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.puback, packetId: 5, reasonCode: 0 },
    { type: PacketType.pubrec, packetId: 5, reasonCode: ReasonCode.packetIdentifierInUse },
  ]);
  given.client.send(aPublish({ packetId: 5, qos: 2 })); // free again
  await turns();
  expect(given.arrived).toHaveLength(2);
  expect(await older.client.next()).toBe('closed'); // there is no word for it
  expect(older.ends).toMatchObject([{ reasonCode: ReasonCode.packetIdentifierInUse }]);
});

it('refuses a QoS 1 message under the id of a QoS 2 message that is not released', async () => {
  const given = await anOpenConnection({ settles: false });
  const inUse = { packetId: 5, reasonCode: ReasonCode.packetIdentifierInUse };
  const publish = aPublish({ packetId: 5 });
  given.client.send(aPublish({ packetId: 5, qos: 2 }), publish);
  await turns();
  given.settle(0);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.pubrec, packetId: 5, reasonCode: 0 },
    {
      ...inUse,
      properties: {
        reasonString: 'packet id 5 is that of a QoS 2 message that is not released [MQTT-2.2.1-3]',
      },
    },
  ]);
  given.client.send(publish);
  expect(await given.client.take(PacketType.puback)).toMatchObject(inUse);
  given.client.send(anAcknowledgement(PacketType.pubrel, 5), publish);
  await turns();
  expect(given.arrived.map(({ message: { qos } }) => qos)).toEqual([2, 1]);
});

it.each([
  [5, 0],
  [4, 2],
] as const)(
  'looks at the QoS 2 ids of earlier connections too, in MQTT version %i where it can refuse',
  async (version, arrived) => {
    const inbound = new InboundState([7]);
    inbound.leaveOpen(8);
    const session = new SessionState({ queueMaximum: 1 }, inbound);
    const given = await anOpenConnection({ session, version });
    given.client.send(aPublish({ packetId: 7 }), aPublish({ packetId: 8 }));
    expect(await given.client.all()).toMatchObject([
      { type: PacketType.puback, packetId: 7, reasonCode: version === 5 ? 0x91 : 0 },
      { type: PacketType.puback, packetId: 8, reasonCode: version === 5 ? 0x91 : 0 },
    ]);
    expect(given.arrived).toHaveLength(arrived);
  },
);

it('finds no QoS 1 message in the way that was answered before', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(
    aPublish({ packetId: 9, qos: 2 }),
    aPublish({ packetId: 5 }),
    aPublish({ packetId: 5, dup: true }),
  );
  await turns();
  for (const index of [0, 1, 2]) given.settle(index);
  given.client.send(aPublish({ packetId: 5, qos: 2 }));
  await turns();
  given.settle(3);
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.pubrec,
    PacketType.puback,
    PacketType.puback,
    PacketType.pubrec,
  ]);
});
