import { expect, it, jest } from '@jest/globals';
import { counts } from '../gateway.metrics.js';
import { CLOSE_REASONS } from '../sessions/device-session.js';
import { gatewayWith, givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { RateLimit } from './rate-limit.js';

function givenLimit(perSecond: number) {
  const given = { holds: 0, told: 0, closed: 0 };
  const mqtt = { hold: () => void (given.holds += 1), release: () => void (given.holds -= 1) };
  const limit = new RateLimit(perSecond, mqtt, {
    held: () => void (given.told += 1),
    tooFast: () => void (given.closed += 1),
  });
  const second = (messages: number): void => {
    for (let message = 0; message < messages; message += 1) limit.count();
  };
  const array = (records: number): void => {
    limit.count();
    limit.countMore(records - 1);
  };
  return { given, limit, second, array };
}

it('does not read a device that has sent more than its messages of this second, and reads it again in the next', () => {
  const { given, limit, second } = givenLimit(3);
  second(3);
  expect(given.holds).toBe(0);
  second(1);
  expect(given.holds).toBe(1);
  second(5); // were read already
  expect(given).toMatchObject({ holds: 1, told: 1 });
  limit.tick();
  expect(given.holds).toBe(0);
  second(3);
  expect(given.holds).toBe(0);
});

it('never holds or closes a device that sends just as many as it may', () => {
  const { given, limit, second } = givenLimit(2);
  const before = counts.throttledSeconds;
  for (let seconds = 0; seconds < 200; seconds += 1) {
    second(2);
    limit.tick();
  }
  expect(given).toEqual({ holds: 0, told: 0, closed: 0 });
  expect(counts.throttledSeconds).toBe(before);
});

it('forgives a device whose messages come a little late and then together', () => {
  const { given, limit, second } = givenLimit(2);
  for (let seconds = 0; seconds < 200; seconds += 1) {
    second(seconds % 2 === 0 ? 3 : 1);
    limit.tick();
  }
  expect(given.closed).toBe(0);
});

it('closes a device that is too fast for a minute without a pause', () => {
  const { given, limit, second } = givenLimit(1);
  for (let seconds = 0; seconds < 59; seconds += 1) {
    second(2);
    limit.tick();
  }
  limit.tick(); // a quiet second
  for (let seconds = 0; seconds < 59; seconds += 1) {
    second(2);
    limit.tick();
  }
  expect(given.closed).toBe(0);
  second(2);
  limit.tick();
  expect(given.closed).toBe(1);
});

it('takes an array whole, and what it has too many from the seconds that follow', () => {
  const { given, limit, second, array } = givenLimit(10);
  array(35);
  expect(given.holds).toBe(0); // nobody knows yet whether it goes on like this
  second(1);
  expect(given.holds).toBe(1);
  for (const holds of [1, 1, 0]) {
    limit.tick(); // 25 too many: paid with the third second
    expect(given.holds).toBe(holds);
  }
  second(5);
  expect(given.holds).toBe(0);
  second(1);
  expect(given.holds).toBe(1);
});

it('never holds a device whose arrays hold just as many as it may send', () => {
  const { given, limit, array } = givenLimit(10);
  for (let seconds = 0; seconds < 200; seconds += 1) {
    if (seconds % 10 === 0) array(100);
    limit.tick();
  }
  expect(given).toEqual({ holds: 0, told: 0, closed: 0 });
});

it('does not let a device wait for more than ten seconds for one array, or it would take its connection for dead', () => {
  const { given, limit, second, array } = givenLimit(1);
  array(1_000);
  second(1);
  for (let seconds = 0; seconds < 10; seconds += 1) limit.tick();
  expect(given.holds).toBe(1);
  limit.tick();
  expect(given.holds).toBe(0);
});

it('holds a device that tells of the past, and does not close it, however long that takes', () => {
  const { given, limit } = givenLimit(2);
  const before = counts.throttledSeconds;
  for (let seconds = 0; seconds < 200; seconds += 1) {
    for (let message = 0; message < 3; message += 1) if (limit.count()) limit.forgive();
    limit.tick();
  }
  expect(given).toEqual({ holds: 0, told: 200, closed: 0 });
  expect(counts.throttledSeconds).toBe(before + 200);
});

it('does not close a device that sends readings of now between its old ones', () => {
  const { given, limit } = givenLimit(2);
  for (let seconds = 0; seconds < 300; seconds += 1) {
    const isOfNow = seconds % 4 === 0;
    for (let message = 0; message < 3; message += 1) if (limit.count() && !isOfNow) limit.forgive();
    limit.tick();
  }
  expect(given.closed).toBe(0);
});

it.each([
  ['old readings', -61_000, 1],
  ['readings of now', 0, 0],
])('looks at the time of what is one too many: %s', async (_what, agoMs, forgiven) => {
  const { log, gateway } = await givenGateway();
  await gateway.stop();
  const forgive = jest.spyOn(RateLimit.prototype, 'forgive');
  const slow = await gatewayWith(log.restarted(), { maxMessagesPerSecond: 10 });
  const client = await PacketClient.open(slow.port);
  await client.next();
  const ts = Date.now() + agoMs;
  for (const messageId of [1, 2]) {
    const readings = JSON.stringify(Array.from({ length: 10 }, (_, n) => ({ ts, seq: n, a: messageId })));
    const topic = 'devices/pump-7/telemetry';
    client.send({ cmd: 'publish', topic, payload: readings, qos: 1, messageId, dup: false, retain: false });
  }
  for (const messageId of [1, 2]) expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
  expect(forgive).toHaveBeenCalledTimes(forgiven);
  forgive.mockRestore();
  client.destroy();
});

it('has the reason code of the specification for it: message rate too high', () => {
  expect(CLOSE_REASONS['too-fast'].reasonCode).toBe(0x96);
});

it('holds nobody without a limit', () => {
  const { given, second } = givenLimit(Infinity);
  second(100_000);
  expect(given.holds).toBe(0);
});

it('makes a fast device wait: everything arrives, second by second, and each one is counted', async () => {
  const { log, gateway } = await givenGateway();
  await gateway.stop();
  const slow = await gatewayWith(log.restarted(), { maxMessagesPerSecond: 10 });
  const client = await PacketClient.open(slow.port, { protocolVersion: 5 });
  await client.next();
  const before = counts.throttledSeconds;
  const since = performance.now();
  for (let messageId = 1; messageId <= 25; messageId += 1)
    client.send({
      cmd: 'publish',
      topic: 'devices/pump-7/telemetry',
      payload: `{"n":${messageId}}`,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    });
  for (let messageId = 1; messageId <= 25; messageId += 1)
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
  expect(performance.now() - since).toBeGreaterThan(900); // two ticks of a second between 25 messages
  expect(counts.throttledSeconds).toBe(before + 2);
  client.destroy();
});

it('counts a SUBSCRIBE and an UNSUBSCRIBE like a message', async () => {
  const { log, gateway } = await givenGateway();
  await gateway.stop();
  const slow = await gatewayWith(log.restarted(), { maxMessagesPerSecond: 10 });
  const client = await PacketClient.open(slow.port, { protocolVersion: 5 });
  await client.next();
  const before = counts.throttledSeconds;
  const topic = 'devices/pump-7/commands/#';
  for (let messageId = 1; messageId <= 25; messageId += 1)
    if (messageId % 2 === 0) client.send({ cmd: 'unsubscribe', messageId, unsubscriptions: [topic] });
    else client.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos: 1 }] });
  for (let messageId = 1; messageId <= 25; messageId += 1)
    expect(await client.next()).toMatchObject({
      cmd: messageId % 2 === 0 ? 'unsuback' : 'suback',
      messageId,
    });
  expect(counts.throttledSeconds).toBeGreaterThan(before); // whenever the second is over between them
  client.destroy();
});
