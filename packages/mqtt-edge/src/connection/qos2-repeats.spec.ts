import { describe, expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, type GivenConnection } from '../testing/given-connection.js';
import { anAcknowledgement, aPublish } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';
import { InboundState } from './inbound-state.js';
import { SessionState } from './session-state.js';

it('knows a repeated QoS 2 message of an earlier connection', async () => {
  const session = new SessionState({ queueMaximum: 1 }, new InboundState([7]));
  const given = await anOpenConnection({ session });
  given.client.send(aPublish({ packetId: 7, qos: 2, dup: true }));
  expect(await given.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
  expect(given.arrived).toHaveLength(0);
});

it('answers a repeat of a QoS 2 message when its turn has come, and but once', async () => {
  const given = await anOpenConnection({ settles: false });
  const again = aPublish({ packetId: 5, qos: 2, dup: true });
  given.client.send(aPublish({ packetId: 5, qos: 2 }));
  await turns();
  given.settle(0);
  await given.client.take(PacketType.pubrec);
  given.client.send(aPublish({ packetId: 9 }), again, again);
  expect(await given.client.all()).toEqual([]);
  given.settle(1);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.puback, packetId: 9 },
    { type: PacketType.pubrec, packetId: 5 },
  ]);
  expect([given.arrived.length, given.session.inbound.size]).toEqual([2, 1]);
});

it('takes a new message under the id of one that was released while a repeat of it waited', async () => {
  const given = await anOpenConnection({ settles: false });
  const publish = (payload: string, dup = false) => aPublish({ packetId: 5, qos: 2, payload, dup });
  given.client.send(publish('old'));
  await turns();
  given.settle(0);
  await given.client.take(PacketType.pubrec);
  given.client.send(aPublish({ packetId: 9 }), publish('old', true), anAcknowledgement(PacketType.pubrel, 5));
  await given.client.take(PacketType.pubcomp);
  given.client.send(publish('new'), publish('new', true));
  await turns();
  expect(given.arrived.map(({ message }) => message.payload.toString())).toEqual(['old', 'x', 'new']);
  given.settle(1);
  expect(given.session.inbound.size).toBe(0); // the PUBREC of the repeat is no receipt for the new one
  given.settle(2);
  expect((await given.client.all()).map(({ type }) => type)).toEqual([
    PacketType.puback,
    PacketType.pubrec,
    PacketType.pubrec,
  ]);
  expect(given.session.inbound.size).toBe(1);
});

it('forgets a QoS 2 message that was released while a repeat of it waited, also when the connection ends then', async () => {
  const given = await anOpenConnection({ settles: false });
  const publish = aPublish({ packetId: 5, qos: 2 });
  given.client.send(publish);
  await turns();
  given.settle(0);
  await given.client.take(PacketType.pubrec);
  given.client.send(aPublish({ packetId: 9 }), publish, anAcknowledgement(PacketType.pubrel, 5));
  await given.client.take(PacketType.pubcomp);
  given.client.stream.end();
  await turns();
  expect(given.ends).toHaveLength(1);
  expect(given.session.inbound.size).toBe(0);
});

describe('a QoS 2 message whose connection ends before it is settled', () => {
  const publish = (packetId: number, dup = false) => aPublish({ packetId, qos: 2, dup });
  const next = (session: SessionState) => anOpenConnection({ session, settles: false });

  async function ended(...packetIds: number[]): Promise<GivenConnection> {
    const given = await next(new SessionState({ queueMaximum: 1 }));
    given.client.send(...packetIds.map((packetId) => publish(packetId)));
    await turns();
    given.client.stream.end();
    await turns();
    expect(given.ends).toHaveLength(1);
    return given;
  }

  it('is known when it is sent again after it was settled', async () => {
    const first = await ended(7);
    first.settle(0);
    const second = await next(first.session);
    second.client.send(publish(7, true));
    expect(await second.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
    expect(second.arrived).toHaveLength(0);
  });

  it('is known when it was settled behind one that was not', async () => {
    const given = await next(new SessionState({ queueMaximum: 1 }));
    given.client.send(publish(6), publish(7));
    await turns();
    given.settle(1);
    given.client.stream.end();
    await turns();
    const second = await next(given.session);
    second.client.send(publish(7, true));
    expect(await second.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
    expect(second.arrived).toHaveLength(0);
  });

  it('is answered when it is settled, if it is sent again before', async () => {
    const first = await ended(7);
    const second = await next(first.session);
    second.client.send(publish(7, true), publish(7, true));
    expect(await second.client.all()).toEqual([]);
    expect(second.connection.unsettled).toBe(1);
    first.settle(0);
    expect(await second.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
    expect(second.arrived).toHaveLength(0);
    second.client.send(anAcknowledgement(PacketType.pubrel, 7));
    expect(await second.client.all()).toMatchObject([{ type: PacketType.pubcomp, reasonCode: 0 }]);
    expect(second.session.inbound.size).toBe(0);
  });

  it('is handed over again when it turns out not to be taken', async () => {
    const first = await ended(7);
    const second = await next(first.session);
    second.client.send(publish(7, true));
    await turns();
    first.settle(0, ReasonCode.serverUnavailable);
    expect(second.arrived).toMatchObject([{ message: { packetId: 7 } }]);
    second.settle(0);
    expect(await second.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
  });

  it('is a new one when it was not taken, and is sent again after that', async () => {
    const first = await ended(7);
    first.settle(0, ReasonCode.serverUnavailable);
    const second = await next(first.session);
    second.client.send(publish(7, true));
    await turns();
    expect(second.arrived).toHaveLength(1);
  });

  it('waits for it over several connections', async () => {
    const first = await ended(7);
    const second = await next(first.session);
    second.client.send(publish(7, true));
    await turns();
    second.client.stream.end();
    await turns();
    const third = await next(first.session);
    third.client.send(publish(7, true));
    await turns();
    first.settle(0, ReasonCode.serverUnavailable);
    expect([second.arrived.length, third.arrived.length]).toEqual([0, 1]);
    third.settle(0);
    expect(await third.client.all()).toMatchObject([{ type: PacketType.pubrec, packetId: 7 }]);
  });

  it('makes room for others when it is settled', async () => {
    const first = await ended(7);
    const limits = { receiveMaximum: 1 };
    const second = await anOpenConnection({ session: first.session, settles: false, version: 4, limits });
    second.client.send(publish(7, true), aPublish({ packetId: 8 }));
    await turns();
    expect(second.arrived).toHaveLength(0);
    first.settle(0);
    await turns();
    expect(second.arrived).toMatchObject([{ message: { packetId: 8 } }]);
  });
});
