import { describe, expect, it } from '@jest/globals';
import type { CommitLog } from '@fieldgate/commit-log';
import type { MemoryLog } from '@fieldgate/commit-log/testing';
import { FieldgateError } from '@fieldgate/contracts';
import type { ISubscribePacket } from 'mqtt-packet';
import { gatewayWith, givenGateway } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { PacketClient } from '../testing/packet-client.js';
import { silentAbout, type SilentLog } from '../testing/silent-log.js';
import { recordsOf, type TestGateway } from '../testing/test-gateway.js';

const open = (port: number, clean: boolean, sessionExpiryInterval = 3_600) =>
  PacketClient.open(port, { protocolVersion: 5, clean, properties: { sessionExpiryInterval } });

async function unsubscribes(client: PacketClient, topic: string): Promise<unknown> {
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [topic] });
  return client.next();
}

const FILTER = 'devices/pump-7/commands/#';
const SUBSCRIBE: ISubscribePacket = {
  cmd: 'subscribe',
  messageId: 1,
  subscriptions: [{ topic: FILTER, qos: 1, nl: false, rap: false, rh: 0 }],
};

async function subscribed(port: number): Promise<PacketClient> {
  const client = await open(port, false);
  expect(await client.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  client.send(SUBSCRIBE);
  expect(await client.next()).toMatchObject({ cmd: 'suback' });
  return client;
}

it('begins a session where none is kept, and goes on with the one that is, subscriptions and all', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, false);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  expect(await unsubscribes(second, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0] });
  await first.closed;
  second.destroy();
});

it('throws the old session away on Clean Start', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, true);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  expect(await unsubscribes(second, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0x11] });
  await first.closed;
  second.destroy();
});

it('tells the earlier connection of the device with 0x8E that it is over', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, false);
  expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
  await first.closed;
  second.destroy();
});

describe('while the log is still at work on what the gateway has written', () => {
  async function givenSlowSessions(): Promise<{ gateway: TestGateway; log: SilentLog }> {
    const { log } = await givenGateway();
    const slow = silentAbout(log, 'fieldgate.sessions.v1');
    return { gateway: await gatewayWith(slow), log: slow };
  }

  it('a session that DISCONNECT has ended is not resumed ([MQTT-3.14.2-2])', async () => {
    const { log, gateway } = await givenSlowSessions();
    const first = await open(gateway.port, false);
    await first.next();
    log.write();
    await logHolds(log, 'fieldgate.sessions.v1', '"connected":true');
    first.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await first.closed;
    const second = await open(gateway.port, false);
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
    second.destroy();
  });

  it('a session that Clean Start has thrown away does not come back ([MQTT-3.1.2-4])', async () => {
    const { log, gateway } = await givenSlowSessions();
    log.write();
    const first = await open(gateway.port, false);
    await first.next();
    first.send(SUBSCRIBE);
    first.send({ cmd: 'pingreq' });
    expect(await first.next()).toMatchObject({ cmd: 'pingresp' }); // the SUBSCRIBE had its turn
    log.write();
    expect(await first.next()).toMatchObject({ cmd: 'suback' });
    const second = await open(gateway.port, true);
    expect(await second.next()).toMatchObject({ sessionPresent: false });
    const third = await open(gateway.port, false);
    expect(await third.next()).toMatchObject({ sessionPresent: true }); // the second one's
    expect(await unsubscribes(third, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0x11] });
    for (const client of [first, second, third]) client.destroy();
  });

  it('a session that has just begun is there when its connection breaks', async () => {
    const { gateway } = await givenSlowSessions();
    const first = await open(gateway.port, false);
    expect(await first.next()).toMatchObject({ sessionPresent: false });
    first.destroy();
    const second = await open(gateway.port, false);
    expect(await second.next()).toMatchObject({ sessionPresent: true });
    second.destroy();
  });

  it('a record that could not be written is not the newest', async () => {
    const { log, gateway } = await givenSlowSessions();
    const first = await open(gateway.port, false);
    await first.next();
    log.goAway(); // so that the end is not tried again before the next CONNECT
    log.fail();
    await first.closed;
    log.fail();
    const second = await open(gateway.port, false);
    expect(await second.next()).toMatchObject({ sessionPresent: false });
    second.destroy();
  });
});

describe('when another gateway knows newer sessions than the table of this one', () => {
  /** `gw-2`, whose reader of the sessions stands still until it may go on. */
  async function givenTwo(): Promise<{
    log: MemoryLog;
    one: TestGateway;
    two: TestGateway;
    goOn: () => void;
  }> {
    const { log, gateway: one } = await givenGateway();
    const reader = Object.create(log.reader) as CommitLog['reader']; // all of it but two methods
    const held: (() => void)[] = [];
    let isHeld = false;
    reader.follow = (topic, from, handler, options) =>
      log.reader.follow(
        topic,
        from,
        (records) => {
          if (isHeld && topic === 'fieldgate.sessions.v1') held.push(() => handler(records));
          else handler(records);
        },
        options,
      );
    reader.bounds = (topic) =>
      isHeld && topic === 'fieldgate.sessions.v1'
        ? Promise.reject(new FieldgateError('log-unavailable'))
        : log.reader.bounds(topic);
    const two = await gatewayWith({ ...log, reader }, { gatewayId: 'gw-2' });
    const first = await open(one.port, false); // both know this one
    await first.next();
    first.send({ cmd: 'disconnect' });
    await logHolds(log, 'fieldgate.sessions.v1', '"connected":false');
    isHeld = true;
    const goOn = (): void => {
      isHeld = false;
      held.splice(0).forEach((handle) => handle());
    };
    return { log, one, two, goOn };
  }

  it('its subscriptions are put right when the log tells, and are kept', async () => {
    const { log, one, two, goOn } = await givenTwo();
    const first = await open(one.port, false);
    await first.next();
    first.send(SUBSCRIBE);
    expect(await first.next()).toMatchObject({ cmd: 'suback' });
    const second = await open(two.port, false);
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    goOn();
    expect(await unsubscribes(second, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0] });
    const [newest] = (await recordsOf(log, 'fieldgate.sessions.v1')).slice(-1);
    expect(newest?.json['data']).toMatchObject({ gateway: 'gw-2', subscriptions: [] });
    for (const client of [first, second]) client.destroy();
  });

  it('it ends the connection when the session turns out to be over, and writes nothing', async () => {
    const { log, one, two, goOn } = await givenTwo();
    const first = await open(one.port, true, 0);
    await first.next();
    first.send({ cmd: 'disconnect' });
    await logHolds(log, 'fieldgate.sessions.v1', '"connected":false', 2);
    const second = await open(two.port, false);
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    goOn();
    expect(await second.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x89 });
    await second.closed;
    const records = await recordsOf(log, 'fieldgate.sessions.v1');
    expect(records.map(({ json }) => (json['data'] as { gateway: string }).gateway)).not.toContain('gw-2');
  });
});
