import { expect, it } from '@jest/globals';
import { PacketType, type ConnectPacket, type Packet, type UnsubscribePacket } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage, aPublish, aSubscribe, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import { SessionState } from './session-state.js';

it.each([
  ['another protocol', '10 0E 0004 4D515455 05 02 000A 00 0001 70', []],
  ['a version that there is not', '10 0E 0004 4D515454 09 02 000A 00 0001 70', [1]],
  ['a CONNECT whose reserved flag is set', '10 0E 0004 4D515454 05 03 000A 00 0001 70', [0x81]],
])('closes on %s, after CONNACK where there is a word for it', async (_, bytes, codes) => {
  const given = new GivenConnection({ version: codes[0] === 1 ? 4 : 5 });
  given.client.send(Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
  const heard: (Packet | 'closed')[] = [];
  do heard.push(await given.client.next());
  while (heard.at(-1) !== 'closed');
  const refusals = codes.map((reasonCode) => ({
    type: PacketType.connack,
    sessionPresent: false,
    reasonCode,
  }));
  expect(heard).toMatchObject([refusals, 'closed'].flat());
  expect(given.connects).toEqual([]);
});

it.each<[string, Partial<ConnectPacket>, ReasonCode]>([
  ['a retained will', { will: aMessage({ retain: true }) }, ReasonCode.retainNotSupported],
  [
    'an authentication method',
    { properties: { authenticationMethod: 'SCRAM' } },
    ReasonCode.badAuthenticationMethod,
  ],
])('refuses %s that is not served with its code, and closes', async (_, asked, reasonCode) => {
  const given = new GivenConnection({ limits: { retainAvailable: false } });
  given.client.send(aConnect(asked));
  expect(await given.client.take(PacketType.connack)).toMatchObject({ reasonCode, sessionPresent: false });
  expect(await given.client.next()).toBe('closed');
  expect(given.connects).toEqual([]);
});

it('sends one CONNACK, and nothing before it: not what waits for the client either', async () => {
  const session = new SessionState({ queueMaximum: 10 });
  session.outbound.add({ ...aMessage({ topic: 'waits' }), qos: 1 }, 0);
  const given = new GivenConnection({ session, accepts: false });
  given.client.send(aConnect({ clean: false }));
  given.connection.send({ ...aMessage({ topic: 'too early' }), qos: 0 });
  expect(await given.client.all()).toEqual([]);
  given.accept();
  given.accept();
  given.connection.refuse(ReasonCode.banned);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.connack, reasonCode: ReasonCode.success },
    { type: PacketType.publish, topic: 'waits' },
  ]);
});

it('looks at nothing that stands behind a CONNECT that is refused', async () => {
  const given = new GivenConnection({ accepts: false });
  given.client.send(
    aConnect(),
    aPublish({ packetId: 1 }),
    aSubscribe('a'),
    PINGREQ,
    Buffer.from([0xff, 0xff]),
  );
  await turns();
  given.connection.refuse(ReasonCode.notAuthorized, 'not you');
  given.client.send(aPublish({ packetId: 2 }));
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.connack, reasonCode: ReasonCode.notAuthorized, sessionPresent: false },
  ]);
  expect(await given.client.next()).toBe('closed');
  expect([given.arrived, given.subscribes]).toEqual([[], []]);
  expect(given.ends).toMatchObject([{ reason: 'closed', reasonCode: ReasonCode.notAuthorized }]);
});

it('sends no DISCONNECT to a client that it has not let in', async () => {
  const given = new GivenConnection({ accepts: false });
  given.client.send(aConnect());
  await turns();
  given.connection.close(ReasonCode.serverShuttingDown, 'good night');
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.connack, reasonCode: ReasonCode.serverUnavailable }, // 0x8B is for DISCONNECT alone
  ]);
  expect(await given.client.next()).toBe('closed');
});

it('names no Response Information and no authentication method to who has not asked for them', async () => {
  const given = new GivenConnection();
  given.client.send(aConnect({ properties: { requestResponseInformation: 0 } }));
  const { properties } = await given.client.take(PacketType.connack);
  expect(properties).not.toHaveProperty('responseInformation');
  expect(properties).not.toHaveProperty('authenticationMethod');
});

it('says nothing of the keep-alive where the client’s own counts', async () => {
  const given = new GivenConnection({ limits: { keepAliveMaximum: 60 } });
  given.client.send(aConnect({ keepAlive: 10 }));
  expect((await given.client.take(PacketType.connack)).properties).not.toHaveProperty('serverKeepAlive');
  await given.later(14_999);
  expect(given.connection.isOpen).toBe(true);
  await given.later(1);
  expect(given.ends).toMatchObject([{ reason: 'keep-alive-timeout' }]);
});

const LONG = 'a sentence that is longer than what the client is ready to take of the server';
const WORDY = { userProperties: [['name', LONG]] } as const;

it.each<[string, (given: GivenConnection) => void, Partial<Packet>]>([
  [
    'PUBACK',
    (given) => given.settle(0, ReasonCode.notAuthorized, LONG),
    { type: PacketType.puback, reasonCode: ReasonCode.notAuthorized },
  ],
  [
    'PUBREC',
    (given) => given.settle(1, ReasonCode.notAuthorized, LONG),
    { type: PacketType.pubrec, reasonCode: ReasonCode.notAuthorized },
  ],
  [
    'SUBACK',
    (given) => given.connection.suback(9, [ReasonCode.success], { reasonString: LONG, ...WORDY }),
    { type: PacketType.suback, reasonCodes: [0] },
  ],
  [
    'UNSUBACK',
    (given) => given.connection.unsuback(8, [ReasonCode.success], { reasonString: LONG, ...WORDY }),
    { type: PacketType.unsuback, reasonCodes: [0] },
  ],
  [
    'DISCONNECT',
    (given) => void given.connection.close(ReasonCode.administrativeAction, LONG, WORDY),
    { type: PacketType.disconnect, reasonCode: ReasonCode.administrativeAction },
  ],
])(
  'leaves Reason String and User Properties out of %s where it would be too large with them',
  async (name, answer, expected) => {
    const given = await anOpenConnection({
      settles: false,
      connect: { properties: { maximumPacketSize: 40 } },
    });
    given.client.send(
      aPublish({ packetId: 1 }),
      aPublish({ packetId: 2, qos: 2 }),
      aSubscribe('a', { packetId: 9 }),
      anUnsubscribe('a', 8),
    );
    await turns();
    if (name === 'PUBREC') given.settle(0);
    await given.client.all();
    answer(given);
    const [answered, ...more] = await given.client.all();
    expect(more).toEqual([]);
    expect(answered).toMatchObject(expected);
    expect(answered && 'properties' in answered && answered.properties).toEqual({});
  },
);

it('leaves Reason String and User Properties out of CONNACK where it would be too large with them', async () => {
  const given = new GivenConnection({ accepts: false });
  given.client.send(aConnect({ properties: { maximumPacketSize: 40 } }));
  await turns();
  given.connection.refuse(ReasonCode.notAuthorized, LONG, WORDY);
  const connack = await given.client.take(PacketType.connack);
  expect(connack).toEqual({
    type: PacketType.connack,
    sessionPresent: false,
    reasonCode: ReasonCode.notAuthorized,
    properties: {},
  });
});

it('explains SUBACK and UNSUBACK to a client only that wants problem information', async () => {
  for (const [requestProblemInformation, expected] of [
    [0, {}],
    [1, { reasonString: 'why' }],
  ] as const) {
    const { connection, client } = await anOpenConnection({
      connect: { properties: { requestProblemInformation } },
    });
    client.send(aSubscribe('a', { packetId: 1 }), anUnsubscribe('a', 2));
    await turns();
    connection.suback(1, [ReasonCode.quotaExceeded], { reasonString: 'why' });
    connection.unsuback(2, [ReasonCode.success], { reasonString: 'why' });
    expect((await client.take(PacketType.suback)).properties).toEqual(expected);
    expect((await client.take(PacketType.unsuback)).properties).toEqual(expected);
  }
});

it('names the limit to the one who has exceeded it', async () => {
  const limits = { receiveMaximum: 3, topicAliasMaximum: 5, maximumPacketSize: 100 };
  const [messages, alias, size, silent] = await Promise.all([
    anOpenConnection({ limits, settles: false }),
    anOpenConnection({ limits }),
    anOpenConnection({ limits }),
    anOpenConnection({ connect: { keepAlive: 10 } }),
  ]);
  messages.client.send(...[1, 2, 3, 4].map((packetId) => aPublish({ packetId })));
  alias.client.send(aPublish({ properties: { topicAlias: 6 } }));
  size.client.send(aPublish({ payload: Buffer.alloc(100) }));
  await silent.later(15_000);
  const told = await Promise.all(
    [messages, alias, size, silent].map(async ({ client }) => {
      const { reasonCode, properties } = await client.take(PacketType.disconnect);
      return `${reasonCode} ${properties.reasonString}`;
    }),
  );
  expect(told).toEqual([
    expect.stringMatching(/^147 .*Receive Maximum of 3/),
    expect.stringMatching(/^148 .*Topic Alias Maximum of 5/),
    expect.stringMatching(/^149 .*larger than 100/),
    expect.stringMatching(/^141 .*15 s/),
  ]);
});

function anUnsubscribe(filter: string, packetId: number): UnsubscribePacket {
  return { type: PacketType.unsubscribe, packetId, filters: [filter], properties: {} };
}
