import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { encode } from '../codec/encoder.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, GivenConnection } from '../testing/given-connection.js';
import { aConnect, aDisconnect, aMessage, aPublish, aSubscribe, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';

const will = aMessage({ topic: 'will', payload: Buffer.from('gone') });

it('counts a client as gone after one and a half keep-alives without a byte', async () => {
  const given = await anOpenConnection({ connect: { keepAlive: 10, will } });
  await given.later(14_999);
  given.client.send(PINGREQ);
  expect(await given.client.take(PacketType.pingresp)).toBeDefined();
  await given.later(14_999);
  expect(given.ends).toHaveLength(0);
  await given.later(1);
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.keepAliveTimeout,
  });
  expect(given.ends).toMatchObject([{ reason: 'keep-alive-timeout', will: { topic: 'will' } }]);
});

it('obeys the Server Keep Alive that it has told', async () => {
  const given = await anOpenConnection({ connect: { keepAlive: 0 }, limits: { keepAliveMaximum: 2 } });
  await given.later(3_000);
  expect(given.ends).toMatchObject([{ reason: 'keep-alive-timeout' }]);
});

it('does not hold silence against a client that is not read', async () => {
  const given = await anOpenConnection({
    version: 4,
    settles: false,
    limits: { receiveMaximum: 1 },
    connect: { keepAlive: 1 },
  });
  given.client.send(aPublish({ packetId: 1 }));
  await turns();
  await given.later(60_000);
  expect(given.ends).toHaveLength(0);
  given.settle(0);
  await given.later(1_000); // heard from here on
  expect(given.ends).toHaveLength(0);
  await given.later(500);
  expect(given.ends).toMatchObject([{ reason: 'keep-alive-timeout' }]);
});

it('gives the will up when the client says goodbye', async () => {
  const given = await anOpenConnection({ connect: { will } });
  given.client.send(aDisconnect());
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reason: 'disconnected', reasonCode: 0, will: undefined }]);
});

it('hands the will over when the goodbye asks for it', async () => {
  const given = await anOpenConnection({ connect: { will } });
  given.client.send(aDisconnect(ReasonCode.disconnectWithWill));
  await given.client.next();
  expect(given.ends).toMatchObject([{ reason: 'disconnected', reasonCode: 4, will: { topic: 'will' } }]);
});

it('hands the will over when the stream ends, when it breaks, and when the client breaks a rule', async () => {
  const [ended, broken, rude] = await Promise.all([
    anOpenConnection({ connect: { will } }),
    anOpenConnection({ connect: { will } }),
    anOpenConnection({ connect: { will } }),
  ]);
  ended.client.stream.end();
  broken.client.stream.destroy();
  rude.client.send(aPublish({ packetId: 1, topic: '#' }));
  await turns();
  broken.connection.destroy(); // half of the pair knows nothing of the other's end
  await turns();
  expect(ended.ends).toMatchObject([{ reason: 'lost', will: { topic: 'will' } }]);
  expect(broken.ends).toMatchObject([{ reason: 'lost', will: { topic: 'will' } }]);
  expect(rude.ends).toMatchObject([{ reason: 'protocol-error', will: { topic: 'will' } }]);
});

it.each([
  ['until it is let in', { accepts: false }, 5],
  ['until it is let in, by MQTT 3.1.1', { accepts: false, version: 4 }, 5],
  ['until it is held no longer', {}, 5],
  ['until others are answered', { settles: false, limits: { receiveMaximum: 1 }, version: 4 }, 3],
] as const)('takes what had to wait %s also from a client that has left', async (why, settings, messages) => {
  const given = new GivenConnection(settings);
  if (why.includes('held')) given.connection.hold();
  const published = Array.from({ length: messages }, (_, index) =>
    aPublish({ packetId: index + 1, payload: Buffer.from(`${index}`) }),
  );
  given.client.send(aConnect({ version: given.version, will }), ...published, aDisconnect());
  given.client.stream.end();
  await turns();
  if (why.includes('let in')) given.accept();
  if (why.includes('held')) given.connection.release();
  for (let index = 0; index < messages && why.includes('answered'); index += 1) {
    given.settle(index);
    await turns();
  }
  await turns();
  expect(given.arrived.map(({ message }) => message.payload.toString())).toEqual(
    published.map((_, index) => `${index}`),
  );
  expect(given.ends).toMatchObject([{ reason: 'disconnected', will: undefined }]);
});

it('is over at once when a client has left that is not let in and has said nothing else', async () => {
  const given = new GivenConnection({ accepts: false });
  given.client.send(aConnect());
  given.client.stream.end();
  await turns();
  expect(given.ends).toMatchObject([{ reason: 'lost' }]);
  expect(given.connection.isAsking).toBe(false);
});

it('takes a new session expiry from DISCONNECT, up to its own maximum', async () => {
  const given = await anOpenConnection({
    connect: { properties: { sessionExpiryInterval: 10 } },
    limits: { sessionExpiryMaximum: 100 },
  });
  given.client.send(aDisconnect(ReasonCode.success, { sessionExpiryInterval: 1_000 }));
  await given.client.next();
  expect(given.ends).toMatchObject([{ sessionExpiry: 100 }]);
});

it('takes a session expiry from DISCONNECT where CONNECT has asked for one, though it got none', async () => {
  const given = await anOpenConnection({
    connect: { properties: { sessionExpiryInterval: 100 } },
    limits: { sessionExpiryMaximum: 0 },
  });
  given.client.send(aDisconnect(ReasonCode.success, { sessionExpiryInterval: 50 }));
  expect(await given.client.next()).toBe('closed');
  expect(given.ends).toMatchObject([{ reason: 'disconnected', sessionExpiry: 0 }]);
});

it('refuses a session expiry in DISCONNECT after none in CONNECT', async () => {
  const given = await anOpenConnection({ connect: { will } });
  given.client.send(aDisconnect(ReasonCode.success, { sessionExpiryInterval: 1 }));
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.protocolError,
  });
  expect(given.ends).toMatchObject([{ reason: 'protocol-error', sessionExpiry: 0, will: { topic: 'will' } }]);
});

it.each([
  [true, 0],
  [false, 0xffff_ffff],
])('keeps the session of MQTT 3.1.1 by its clean session flag: %s, %i', async (clean, sessionExpiry) => {
  const given = await anOpenConnection({ version: 4, connect: { clean } });
  given.client.send(aDisconnect());
  await given.client.next();
  expect(given.ends).toMatchObject([{ sessionExpiry }]);
});

it('says why it closes where the version can', async () => {
  const [five, four] = await Promise.all([anOpenConnection(), anOpenConnection({ version: 4 })]);
  five.connection.close(ReasonCode.sessionTakenOver, 'again');
  four.connection.close(ReasonCode.sessionTakenOver, 'again');
  expect(await five.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.sessionTakenOver,
    properties: { reasonString: 'again' },
  });
  expect(await four.client.next()).toBe('closed');
  expect(five.connection.close(ReasonCode.success)).toBe(false);
  expect(five.ends).toHaveLength(1);
});

it('says in DISCONNECT, PUBACK and PUBREC only what has a place there', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1 }), aPublish({ packetId: 2, qos: 2 }));
  await turns();
  given.settle(0, ReasonCode.sessionTakenOver, 'why');
  given.settle(1, ReasonCode.grantedQos1);
  given.connection.close(ReasonCode.badUserNameOrPassword, 'why');
  expect(await given.client.all()).toMatchObject([
    {
      type: PacketType.puback,
      reasonCode: ReasonCode.unspecifiedError,
      properties: { reasonString: 'why' },
    },
    { type: PacketType.pubrec, reasonCode: ReasonCode.success },
    {
      type: PacketType.disconnect,
      reasonCode: ReasonCode.unspecifiedError,
      properties: { reasonString: 'why' },
    },
  ]);
  expect(given.ends).toMatchObject([{ reasonCode: ReasonCode.badUserNameOrPassword }]);
});

it('tears down a client that reads nothing of what waits for it', async () => {
  const given = await anOpenConnection({ limits: { drainTimeoutMs: 30_000 } });
  given.client.stream.pause();
  for (let index = 0; index < 5; index += 1)
    given.connection.send({ ...aMessage({ payload: Buffer.alloc(100_000) }), qos: 0 });
  await turns();
  await given.later(1_000);
  await given.later(29_999);
  expect(given.ends).toHaveLength(0);
  await given.later(1);
  expect(given.ends).toMatchObject([{ reason: 'drain-timeout' }]);
});

it('sends the rest to a client that reads again', async () => {
  const given = await anOpenConnection({ limits: { drainTimeoutMs: 30_000 } });
  given.client.stream.pause();
  for (let index = 0; index < 5; index += 1)
    given.connection.send({ ...aMessage({ topic: `${index}`, payload: Buffer.alloc(100_000) }), qos: 0 });
  await turns();
  await given.later(20_000);
  given.client.stream.resume();
  expect((await given.client.all()).map((packet) => 'topic' in packet && packet.topic)).toEqual([
    '0',
    '1',
    '2',
    '3',
    '4',
  ]);
  await given.later(20_000);
  expect(given.ends).toHaveLength(0);
});

it('tears the stream down when its client does not let go', async () => {
  const given = await anOpenConnection();
  given.client.stream.pause();
  given.connection.close(ReasonCode.serverShuttingDown);
  await given.later(1_999);
  expect(given.client.isClosed).toBe(false);
  await given.later(1);
  await given.connection.streamClosed;
});

it('neither hears nor says anything after the end', async () => {
  const given = await anOpenConnection({ settles: false });
  given.client.send(aPublish({ packetId: 1 }), aSubscribe('a'), aDisconnect(), aPublish({ topic: 'late' }));
  await turns();
  expect(given.arrived).toHaveLength(1);
  given.settle(0);
  given.connection.suback(1, [ReasonCode.success]);
  const outcomes: string[] = [];
  given.connection.send({ ...aMessage(), qos: 1, done: (outcome) => outcomes.push(outcome) });
  expect(await given.client.all()).toEqual([]);
  expect(outcomes).toEqual(['abandoned']);
  expect(given.ends).toHaveLength(1);
});

it('does not take one byte a second for a packet', async () => {
  const given = await anOpenConnection({ connect: { keepAlive: 10 } });
  const large = encode(aPublish({ payload: Buffer.alloc(900) }), 5);
  for (let second = 0; second < 14; second += 1) {
    given.client.send(large.subarray(second, second + 1));
    await turns();
    await given.later(1_000);
  }
  expect(given.ends).toHaveLength(0);
  await given.later(1_000);
  expect(given.ends).toMatchObject([{ reason: 'keep-alive-timeout' }]);
});

it('takes a large packet that comes slowly for a sign of life', async () => {
  const given = await anOpenConnection({ connect: { keepAlive: 10 } });
  const large = encode(aPublish({ payload: Buffer.alloc(5_000) }), 5);
  for (let at = 0; at < large.length; at += 1_000) {
    given.client.send(large.subarray(at, at + 1_000));
    await turns();
    await given.later(14_000);
  }
  expect(given.ends).toHaveLength(0);
  expect(given.arrived).toHaveLength(1);
});

it('obeys the Server Keep Alive of whoever stands behind it before its own limit, and only in MQTT 5', async () => {
  const settings = { limits: { keepAliveMaximum: 60 }, acceptance: { serverKeepAlive: 2 } };
  const five = await anOpenConnection({ ...settings, connect: { keepAlive: 0 } });
  const four = await anOpenConnection({ ...settings, version: 4, connect: { keepAlive: 0 } });
  for (const given of [five, four]) await given.later(2_999);
  expect(five.ends).toHaveLength(0);
  for (const given of [five, four]) await given.later(1);
  expect(five.ends).toMatchObject([{ reason: 'keep-alive-timeout' }]);
  await four.later(1e9);
  expect(four.ends).toHaveLength(0); // it was told of none
});

it('reads no more from a client that does not read its answers', async () => {
  const given = await anOpenConnection({ limits: { drainTimeoutMs: 30_000 } });
  given.client.stream.pause();
  for (let index = 0; index < 200; index += 1)
    given.client.send(...Array.from({ length: 1_000 }, () => PINGREQ));
  await turns();
  expect(given.client.stream.writableLength).toBeGreaterThan(100_000); // of 400,000 bytes
  given.client.stream.resume();
  expect(await given.client.all()).not.toHaveLength(0);
});
