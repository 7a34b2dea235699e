import { expect, it } from '@jest/globals';
import { PacketType, type Qos } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, GivenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage, anAcknowledgement, aPublish, aSubscribe, PINGREQ } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import type { OutboundMessage } from './connection-handler.js';
import { OutboundQueue } from './outbound-queue.js';

it('gives each message an id above 0 that is in use by no other, also when all have been used', () => {
  const queue = new OutboundQueue(10);
  const message: OutboundMessage = { ...aMessage(), qos: 1 };
  const held = [queue.number(message), queue.number(message)]; // 1 and 2, and never acknowledged
  const given = new Set<number>();
  for (let n = 0; n < 70_000; n += 1) {
    const packetId = queue.number(message);
    given.add(packetId);
    queue.finish(packetId);
  }
  expect(held).toEqual([1, 2]);
  expect(given.size).toBe(65_533);
  expect(Math.min(...given)).toBe(3);
  expect(Math.max(...given)).toBe(65_535);
});

it('sends a message first with DUP 0, and QoS 0 without an id and but once', async () => {
  const first = await anOpenConnection();
  for (const qos of [0, 1, 2] as const) first.connection.send({ ...aMessage({ topic: `q${qos}` }), qos });
  expect(await first.client.all()).toMatchObject([
    { topic: 'q0', qos: 0, dup: false, packetId: undefined },
    { topic: 'q1', qos: 1, dup: false, packetId: 1 },
    { topic: 'q2', qos: 2, dup: false, packetId: 2 },
  ]);
  expect(await resumed(first)).toMatchObject([
    { topic: 'q1', dup: true, packetId: 1 },
    { topic: 'q2', dup: true, packetId: 2 },
  ]);
});

it('sends nothing again while the connection lasts', async () => {
  const given = await anOpenConnection();
  send(given, 1, 2);
  await given.client.all();
  given.client.send(anAcknowledgement(PacketType.pubrec, 2));
  await given.client.take(PacketType.pubrel);
  for (let minute = 0; minute < 60; minute += 1) await given.later(60_000);
  expect(await given.client.all()).toEqual([]);
});

it('sends nothing again that the client has refused', async () => {
  const first = await anOpenConnection();
  send(first, 1, 2);
  await first.client.all();
  first.client.send(
    anAcknowledgement(PacketType.puback, 1, ReasonCode.notAuthorized),
    anAcknowledgement(PacketType.pubrec, 2, ReasonCode.quotaExceeded),
  );
  expect(await first.client.all()).toEqual([]); // no PUBREL either
  expect(await resumed(first)).toEqual([]);
});

it('sends PUBREL again until PUBCOMP, and the PUBLISH before it not any more', async () => {
  const first = await anOpenConnection();
  send(first, 2);
  await first.client.take(PacketType.publish);
  first.client.send(anAcknowledgement(PacketType.pubrec, 1));
  expect(await first.client.take(PacketType.pubrel)).toMatchObject({ packetId: 1, reasonCode: 0 });
  const second = await anOpenConnection({ session: await sessionOf(first) });
  expect(await second.client.all()).toMatchObject([{ type: PacketType.pubrel, packetId: 1 }]);
  second.client.send(anAcknowledgement(PacketType.pubcomp, 1));
  await turns();
  expect(await resumed(second)).toEqual([]);
});

it('does not let a QoS 2 message expire that was sent, and brings it to its end', async () => {
  const first = await anOpenConnection();
  first.connection.send({ ...aMessage(), qos: 2, expiresAt: first.now + 5_000 });
  await first.client.take(PacketType.publish);
  const session = await sessionOf(first);
  const second = new GivenConnection({ session });
  second.now = first.now + 60_000; // expired before it is sent again
  second.client.send(aConnect());
  await second.client.take(PacketType.connack);
  expect(await second.client.all()).toMatchObject([{ type: PacketType.publish, packetId: 1, dup: true }]);
  second.client.send(anAcknowledgement(PacketType.pubrec, 1));
  await second.client.take(PacketType.pubrel);
  second.client.send(anAcknowledgement(PacketType.pubcomp, 1));
  await turns();
  expect(session.outbound.inFlight).toBe(0);
});

it('holds nothing back but PUBLISH of QoS 1 and 2 while the window of the client is full', async () => {
  const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 1 } } });
  send(given, 1, 1);
  expect(await given.client.all()).toMatchObject([{ type: PacketType.publish, packetId: 1 }]);
  given.client.send(
    aPublish({ packetId: 7 }),
    aPublish({ packetId: 8, qos: 2 }),
    aSubscribe('a', { packetId: 9 }),
  );
  given.client.send(PINGREQ);
  await turns();
  given.connection.suback(9, [ReasonCode.success]);
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.puback,
    PacketType.pubrec,
    PacketType.pingresp,
    PacketType.suback,
  ]);
});

it.each([1, 2] as const)(
  'sends messages in their order, on one topic and on several, however the client acknowledges them: QoS %i',
  async (qos) => {
    const given = await anOpenConnection({ connect: { properties: { receiveMaximum: 2 } } });
    const payloads = Array.from({ length: 12 }, (_, index) => `${index}`);
    for (const [index, payload] of payloads.entries())
      given.connection.send({
        ...aMessage({ topic: index % 4 === 3 ? 'other' : 'one', payload: Buffer.from(payload) }),
        qos,
      });
    const heard: string[] = [];
    while (heard.length < payloads.length) {
      const sent = (await given.client.all()).filter((packet) => packet.type === PacketType.publish);
      heard.push(...sent.map(({ payload }) => payload.toString()));
      for (const { packetId = 0 } of sent.toReversed())
        given.client.send(
          ...(qos === 1
            ? [anAcknowledgement(PacketType.puback, packetId)]
            : [
                anAcknowledgement(PacketType.pubrec, packetId),
                anAcknowledgement(PacketType.pubcomp, packetId),
              ]),
        );
    }
    expect(heard).toEqual(payloads);
  },
);

function send(given: GivenConnection, ...messages: readonly Qos[]): void {
  for (const qos of messages) given.connection.send({ ...aMessage(), qos });
}

/** What the next connection of the session is sent first. */
async function resumed(before: GivenConnection): Promise<unknown> {
  const { client } = await anOpenConnection({ session: await sessionOf(before) });
  return client.all();
}

async function sessionOf(before: GivenConnection): Promise<GivenConnection['session']> {
  before.client.stream.end();
  await turns();
  return before.session;
}
