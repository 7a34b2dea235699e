import { describe, expect, it, jest } from '@jest/globals';
import { counts } from '../gateway.metrics.js';
import { gatewayWith, givenGateway, SECRET } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { silentAbout } from '../testing/silent-log.js';
import { recordsOf, register } from '../testing/test-gateway.js';
import { DeviceShares, type DeviceShare } from './device-share.js';

const LIMIT = { records: 4, bytes: 100 };
/** Looks once a turn. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it has not come to that');
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function aConnection() {
  const connection = {
    holds: 0,
    hold: () => void (connection.holds += 1),
    release: () => void (connection.holds -= 1),
  };
  return connection;
}

describe('the share of a device', () => {
  it('holds its connection at the limit of records, until half of them are durable', async () => {
    const share = new DeviceShares(LIMIT).of('pump-7');
    const connection = aConnection();
    share.attach(connection);
    for (let n = 0; n < 3; n += 1) share.add(1);
    expect(connection.holds).toBe(0);
    const before = counts.heldDevices;
    share.add(1);
    share.add(1); // the rest of an array
    expect(connection.holds).toBe(1);
    expect(counts.heldDevices).toBe(before + 1);
    share.remove(1);
    share.remove(1);
    await turn();
    expect(connection.holds).toBe(1); // three are left
    share.remove(1);
    expect(connection.holds).toBe(1); // in a later turn
    await until(() => connection.holds === 0);
  });

  it('waits 5 ms for each share that it took, in which the others are read', async () => {
    const share = new DeviceShares(LIMIT).of('pump-7');
    share.attach(aConnection()); // else it is forgotten when nothing of it waits
    const timers = jest.spyOn(globalThis, 'setTimeout');
    for (const records of [80, 4]) {
      for (let n = 0; n < records; n += 1) share.add(1);
      for (let n = 0; n < records; n += 1) share.remove(1);
      await until(() => !share.isFull);
    }
    const pauses = timers.mock.calls.map(([, ms]) => ms);
    timers.mockRestore();
    expect(pauses).toEqual([100, 5]); // and not again for what it took before, of which nothing waits
  });

  it('holds its connection at the limit of bytes', async () => {
    const share = new DeviceShares(LIMIT).of('pump-7');
    const connection = aConnection();
    share.attach(connection);
    share.add(99);
    expect(connection.holds).toBe(0);
    share.add(1);
    expect(connection.holds).toBe(1);
    share.remove(99);
    await until(() => connection.holds === 0);
  });

  it('holds its connection again when what was read on at its release is too much', async () => {
    const share = new DeviceShares(LIMIT).of('pump-7');
    const connection = aConnection();
    let times = 0;
    const readOn = (): void => {
      times += 1;
      connection.holds -= 1;
      for (let n = 0; n < LIMIT.records && connection.holds === 0; n += 1) share.add(1);
    };
    share.attach({ hold: connection.hold, release: readOn });
    for (let n = 0; n < LIMIT.records; n += 1) share.add(1);
    for (let time = 1; time <= 3; time += 1) {
      expect([connection.holds, share.isFull]).toEqual([1, true]);
      share.remove(1);
      share.remove(1);
      await until(() => times === time);
    }
    expect([connection.holds, share.isFull]).toEqual([1, true]);
  });

  it('is the same for the next connection of the device, which waits for what came over the last one', async () => {
    const shares = new DeviceShares(LIMIT);
    const first = aConnection();
    shares.of('pump-7').attach(first);
    for (let n = 0; n < 4; n += 1) shares.of('pump-7').add(1);
    shares.of('pump-7').detach(first);
    const second = aConnection();
    shares.of('pump-7').attach(second);
    expect(second.holds).toBe(1);
    const share = shares.of('pump-7');
    for (let n = 0; n < 4; n += 1) share.remove(1);
    await until(() => second.holds === 0);
    expect(first.holds).toBe(1);
  });

  it('is forgotten when nothing waits and nobody is connected', () => {
    const shares = new DeviceShares(LIMIT);
    const connection = aConnection();
    const share = shares.of('pump-7');
    share.attach(connection);
    share.add(1);
    share.detach(connection);
    expect(shares.size).toBe(1);
    share.remove(1);
    expect(shares.size).toBe(0);
    shares.of('pump-8').attach(connection);
    shares.of('pump-8').detach(connection);
    expect(shares.size).toBe(0);
    const next = shares.of('pump-7');
    share.add(1); // a will of the connection before
    share.remove(1);
    expect(shares.of('pump-7')).toBe(next);
  });
});

describe('what is more than a share', () => {
  const full = (share: DeviceShare): void => {
    while (!share.isFull) share.add(1);
  };

  it('goes on when there is room again, before anything newer of its device is taken', async () => {
    const shares = new DeviceShares(LIMIT);
    const share = shares.of('pump-7');
    const connection = aConnection();
    share.attach(connection);
    const told: string[] = [];
    const inSlices = (name: string, slices: number) => () => {
      told.push(`${name} ${slices}`);
      full(share);
      return --slices === 0;
    };
    share.run(inSlices('array', 3));
    share.run(inSlices('will', 1));
    expect([told, share.isBehind]).toEqual([['array 3'], true]);
    share.detach(connection);
    const next = aConnection();
    shares.of('pump-7').attach(next);
    const durable = (): void => {
      for (let n = 0; n < LIMIT.records; n += 1) share.remove(1);
      expect(shares.of('pump-7')).toBe(share); // not forgotten, or the next one would overtake the rest
    };
    for (const [index, name] of ['array 2', 'array 1', 'will 1'].entries()) {
      durable();
      await until(() => told.length === index + 2);
      expect(told.at(-1)).toBe(name);
    }
    expect([share.isBehind, next.holds]).toEqual([false, 1]); // full by the will
    durable();
    await until(() => next.holds === 0);
    shares.of('pump-7').detach(next);
    expect(shares.size).toBe(0);
  });

  it('and is waited for, goes before what came later also when it is an array itself', async () => {
    const share = new DeviceShares(LIMIT).of('pump-7');
    const told: string[] = [];
    const inSlices = (name: string, slices: number) => () => {
      told.push(`${name} ${slices}`);
      full(share);
      return --slices === 0;
    };
    share.run(inSlices('array', 2));
    share.run(() => {
      share.run(inSlices('will', 2));
      return true;
    });
    share.run(inSlices('last', 1));
    while (share.isBehind) {
      const before = told.length;
      for (let n = 0; n < LIMIT.records; n += 1) share.remove(1);
      await until(() => told.length > before);
    }
    expect(told).toEqual(['array 2', 'array 1', 'will 2', 'will 1', 'last 1']);
  });
});

describe.each([
  ['singly', (n: number) => `{"n":${n}}`],
  ['in arrays', (n: number) => JSON.stringify(Array.from({ length: 4 }, () => ({ n })))],
])('a device that flushes %s what it has gathered', (_how, payloadOf) => {
  it('is read up to its share while the log is slow, and another one is served meanwhile', async () => {
    const { log } = await givenGateway();
    await register(log, 'pump-8', SECRET);
    const slow = silentAbout(log, 'fieldgate.telemetry.v1');
    const gateway = await gatewayWith(slow, { maxInFlightPerDevice: { records: 10, bytes: 100_000 } });
    const flushing = await PacketClient.open(gateway.port);
    const live = await PacketClient.open(gateway.port, { clientId: 'pump-8', username: 'pump-8' });
    for (const client of [flushing, live]) expect(await client.next()).toMatchObject({ cmd: 'connack' });
    const before = counts.heldDevices;
    for (let messageId = 1; messageId <= 50; messageId += 1)
      flushing.send({
        cmd: 'publish',
        topic: 'devices/pump-7/telemetry',
        payload: payloadOf(messageId),
        qos: 1,
        messageId,
        dup: false,
        retain: false,
      });
    await until(() => counts.heldDevices > before);
    const event = { topic: 'devices/pump-8/events/hot', payload: '{"state":"info"}' };
    live.send({ cmd: 'publish', ...event, qos: 1, messageId: 1, dup: false, retain: false });
    expect(await live.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    slow.write();
    await turn();
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(10);

    let acknowledged = 0;
    const all = (async () => {
      while (acknowledged < 50) {
        expect(await flushing.next()).toMatchObject({ cmd: 'puback', messageId: acknowledged + 1 });
        acknowledged += 1;
      }
    })();
    await until(() => {
      slow.write();
      return acknowledged === 50;
    });
    await all;
    flushing.destroy();
    live.destroy();
  }, 60_000);
});

it('an array of which a piece is lost is lost whole: no later element is in the log before the first', async () => {
  const { log } = await givenGateway();
  const slow = silentAbout(log, 'fieldgate.telemetry.v1');
  const gateway = await gatewayWith(slow, { maxInFlightPerDevice: { records: 4, bytes: 100_000 } });
  const publish = {
    cmd: 'publish',
    topic: 'devices/pump-7/telemetry',
    payload: JSON.stringify(Array.from({ length: 12 }, (_, n) => ({ n }))),
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  } as const;
  const first = await PacketClient.open(gateway.port);
  expect(await first.next()).toMatchObject({ cmd: 'connack' });
  first.send(publish);
  const before = counts.heldDevices;
  await until(() => counts.heldDevices > before);
  slow.fail(); // the first piece
  await first.closed;
  for (let turns = 0; turns < 10; turns += 1) {
    slow.write();
    await turn();
  }
  expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toEqual([]);

  const again = await PacketClient.open(gateway.port);
  expect(await again.next()).toMatchObject({ cmd: 'connack' });
  again.send({ ...publish, dup: true });
  const acknowledged = again.next();
  const writing = setInterval(() => slow.write(), 1);
  expect(await acknowledged).toMatchObject({ cmd: 'puback', messageId: 1 });
  clearInterval(writing);
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  expect(records.map(({ json }) => json)).toMatchObject(
    Array.from({ length: 12 }, (_, n) => ({ data: { readings: { n } } })),
  );
  again.destroy();
}, 60_000);
