import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { encode } from '../codec/encoder.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage, aPublish, aSubscribe, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import { InboundState } from './inbound-state.js';
import { SessionState } from './session-state.js';

it('closes without a word when the first packet is no CONNECT', async () => {
  const given = new GivenConnection();
  given.client.send(PINGREQ);
  expect(await given.client.next()).toBe('closed');
  expect(given.connects).toHaveLength(0);
  expect(given.ends).toHaveLength(0); // who was never told of it does not hear of its end
});

it('refuses a second CONNECT as a protocol error', async () => {
  const given = await anOpenConnection();
  given.client.send(aConnect());
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.protocolError,
  });
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reason: 'protocol-error', reasonCode: ReasonCode.protocolError }]);
});

it('calls a second CONNECT of a version that there is not a protocol error too', async () => {
  const given = await anOpenConnection();
  given.client.send(Buffer.from('100e 0004 4d515454 06 02 000a 00 0001 70'.replaceAll(' ', ''), 'hex'));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.protocolError, // 0x84 is a word of CONNACK
  });
  expect(given.ends).toMatchObject([{ reason: 'protocol-error', will: undefined }]);
});

it('publishes no will of a client whose CONNACK is larger than it takes', async () => {
  const session = new SessionState({ queueMaximum: 1 }, new InboundState([7]));
  const given = new GivenConnection({ session });
  given.client.send(aConnect({ will: aMessage(), properties: { maximumPacketSize: 10 } }));
  expect(await given.client.next()).toBe('closed');
  await turns();
  expect(given.ends).toMatchObject([
    { reason: 'closed', reasonCode: ReasonCode.packetTooLarge, will: undefined },
  ]);
  expect(given.connection.state).toBe(session); // what it was accepted with is not lost
});

it('gives a client ten seconds for its CONNECT, however it drips', async () => {
  const given = new GivenConnection({ limits: { connectTimeoutMs: 10_000 } });
  given.client.send(Buffer.from([0x10]));
  await turns();
  await given.later(6_000);
  given.client.send(Buffer.from([0x20]));
  await turns();
  await given.later(3_999);
  expect(given.client.isClosed).toBe(false);
  await given.later(1);
  expect(given.client.isClosed).toBe(true);
});

it('ends a connection whose CONNECT nobody answers', async () => {
  const given = new GivenConnection({ accepts: false, limits: { connectTimeoutMs: 10_000 } });
  given.client.send(aConnect({ will: aMessage() }));
  await turns();
  await given.later(10_000);
  expect(await given.client.take(PacketType.connack)).toMatchObject({
    reasonCode: ReasonCode.serverUnavailable,
    properties: { reasonString: 'the log-in was not answered in time' },
  });
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reason: 'connect-timeout', will: undefined }]);
});

it('takes what a client sends behind its CONNECT only when it has been let in', async () => {
  const given = new GivenConnection({ accepts: false });
  given.client.send(aConnect(), aPublish(), PINGREQ);
  await turns();
  expect(given.arrived).toHaveLength(0);
  given.accept();
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.connack,
    PacketType.pingresp,
  ]);
  expect(given.arrived).toHaveLength(1);
});

it.each([
  [5, ReasonCode.banned, ReasonCode.banned],
  [4, ReasonCode.banned, 5],
  [3, ReasonCode.clientIdentifierNotValid, 2],
] as const)(
  'refuses a client of version %i with %i, which is %i on the wire',
  async (version, code, onTheWire) => {
    const given = new GivenConnection({ version, accepts: false });
    given.client.send(aConnect({ version }));
    await turns();
    given.connection.refuse(code, 'because');
    expect(await given.client.take(PacketType.connack)).toMatchObject({ reasonCode: onTheWire });
    expect(await given.client.next()).toBe('closed');
  },
);

it('closes without a CONNACK where MQTT 3.1.1 has no word for the reason', async () => {
  const given = new GivenConnection({ version: 4, accepts: false });
  given.client.send(aConnect({ version: 4 }));
  await turns();
  given.connection.refuse(ReasonCode.quotaExceeded);
  expect(await given.client.next()).toBe('closed');
});

it('says what is left of a broken CONNECT of MQTT 5: the reason, not the close alone', async () => {
  const given = new GivenConnection();
  // Session Expiry Interval twice
  given.client.send(
    Buffer.from('1017 00044d515454 05 02 0000 0a 1100000001 1100000001 0000'.replaceAll(' ', ''), 'hex'),
  );
  expect(await given.client.take(PacketType.connack)).toMatchObject({ reasonCode: ReasonCode.protocolError });
  expect(await given.client.next()).toBe('closed');
});

it('refuses extended authentication that nobody serves', async () => {
  const given = new GivenConnection();
  given.client.send(aConnect({ properties: { authenticationMethod: 'SCRAM' } }));
  expect(await given.client.take(PacketType.connack)).toMatchObject({
    reasonCode: ReasonCode.badAuthenticationMethod,
  });
  await turns();
  expect(given.connects).toHaveLength(0);
  expect(given.ends).toHaveLength(0);
});

it('tells a new client its limits', async () => {
  const given = new GivenConnection({
    limits: { receiveMaximum: 7, maximumPacketSize: 2_000, topicAliasMaximum: 3, sessionExpiryMaximum: 60 },
    acceptance: { assignedClientId: 'assigned', serverKeepAlive: 9 },
  });
  given.client.send(aConnect({ clientId: '', properties: { sessionExpiryInterval: 3_600 } }));
  expect((await given.client.take(PacketType.connack)).properties).toEqual({
    receiveMaximum: 7,
    maximumPacketSize: 2_000,
    topicAliasMaximum: 3,
    sessionExpiryInterval: 60,
    assignedClientIdentifier: 'assigned',
    serverKeepAlive: 9,
    sharedSubscriptionAvailable: 0,
  });
});

it('tells an MQTT 3.1 client no session present: there is no such flag', async () => {
  const given = new GivenConnection({ version: 3, acceptance: { sessionPresent: true } });
  given.client.send(aConnect({ version: 3, clean: false }));
  expect(await given.client.take(PacketType.connack)).toMatchObject({ sessionPresent: false, reasonCode: 0 });
});

it('refuses a packet above the maximum size with 0x95', async () => {
  const given = await anOpenConnection({ limits: { maximumPacketSize: 200 } });
  given.client.send(aPublish({ payload: Buffer.alloc(300) }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.packetTooLarge,
  });
  expect(await given.client.next()).toBe('closed');
});

it('leaves the explanation out of an answer that would be too large with it, and says nothing that is too large at all', async () => {
  const given = await anOpenConnection({
    settles: false,
    connect: { properties: { maximumPacketSize: 30 } },
  });
  given.client.send(aPublish({ packetId: 1 }));
  await turns();
  given.settle(0, ReasonCode.notAuthorized, 'a sentence that is longer than what the client can take');
  expect(await given.client.take(PacketType.puback)).toMatchObject({ reasonCode: 0x87, properties: {} });
  given.client.send(aSubscribe(Array.from({ length: 40 }, (_, index) => ({ filter: `a/${index}` }))));
  await turns();
  given.connection.suback(
    1,
    Array.from({ length: 40 }, () => ReasonCode.success),
  );
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reason: 'closed', reasonCode: ReasonCode.packetTooLarge }]);
});

it('explains nothing to a client that wants no problem information', async () => {
  const given = await anOpenConnection({
    connect: { properties: { requestProblemInformation: 0 } },
    settles: false,
  });
  given.client.send(aPublish({ packetId: 1 }));
  await turns();
  given.settle(0, ReasonCode.notAuthorized, 'not yours');
  expect((await given.client.take(PacketType.puback)).properties).toEqual({});
});

it('answers each SUBSCRIBE and UNSUBSCRIBE when it is told to', async () => {
  const given = await anOpenConnection();
  given.client.send(aSubscribe('a', { packetId: 5 }));
  given.client.send({ type: PacketType.unsubscribe, packetId: 6, filters: ['a'], properties: {} });
  await turns();
  expect(given.subscribes).toHaveLength(1);
  expect(given.unsubscribes).toHaveLength(1);
  given.connection.suback(5, [ReasonCode.grantedQos1]);
  given.connection.unsuback(6, [ReasonCode.success]);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.suback, packetId: 5, reasonCodes: [1] },
    { type: PacketType.unsuback, packetId: 6, reasonCodes: [0] },
  ]);
});

it('is held by the next hold also when it was released too often before', async () => {
  const given = await anOpenConnection();
  given.connection.release();
  given.connection.hold();
  given.client.send(PINGREQ);
  expect(await given.client.all()).toEqual([]);
  given.connection.release();
  expect(await given.client.all()).toEqual([{ type: PacketType.pingresp }]);
});

it.each(['refuse', 'close'] as const)(
  'never says success to a client that it does not let in: %s',
  async (how) => {
    for (const version of [5, 4] as const) {
      const given = new GivenConnection({ version, accepts: false });
      given.client.send(aConnect({ version }));
      await turns();
      given.connection[how](ReasonCode.success);
      if (version === 5)
        expect(await given.client.take(PacketType.connack)).toMatchObject({
          reasonCode: ReasonCode.unspecifiedError,
        });
      expect(await given.client.next()).toBe('closed');
    }
  },
);

it('tells a client that wants a clean start of no session', async () => {
  for (const clean of [true, false]) {
    const given = new GivenConnection({ acceptance: { sessionPresent: true } });
    given.client.send(aConnect({ clean }));
    expect(await given.client.take(PacketType.connack)).toMatchObject({ sessionPresent: !clean });
  }
});

it('reads no more while it is held', async () => {
  const given = await anOpenConnection();
  given.connection.hold();
  given.client.send(PINGREQ);
  expect(await given.client.all()).toEqual([]);
  given.connection.release();
  expect(await given.client.all()).toEqual([{ type: PacketType.pingresp }]);
});

it('takes a client that sends one byte a second, if its CONNECT is short enough for that', async () => {
  const given = new GivenConnection({ limits: { connectTimeoutMs: 60_000 } });
  const bytes = Buffer.concat([
    encode(aConnect({ keepAlive: 60 }), 5),
    encode(aPublish({ packetId: 1 }), 5),
    encode(PINGREQ, 5),
  ]);
  for (const byte of bytes) {
    given.client.send(Uint8Array.of(byte));
    await turns();
    await given.later(1_000);
  }
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.connack,
    PacketType.puback,
    PacketType.pingresp,
  ]);
  expect(given.arrived).toMatchObject([{ topic: 'a' }]);
});

it('gives way to others behind each chunk of the largest size, because there is more behind it', async () => {
  const given = await anOpenConnection({ limits: { maximumPacketSize: 100_000 } });
  const empty = encode(aPublish({ payload: '' }), 5).length;
  const full = encode(aPublish({ payload: Buffer.alloc(65_536 - empty - 2) }), 5); // two more bytes of remaining length
  expect(full).toHaveLength(65_536);
  const turn = new Promise((resolve) => setImmediate(resolve));
  for (let chunk = 1; chunk <= 3; chunk += 1) given.client.stream.write(full);
  await turn;
  expect(given.arrived).toHaveLength(1);
  await turns();
  expect(given.arrived).toHaveLength(3);
});
