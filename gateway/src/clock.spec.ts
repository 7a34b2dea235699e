import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { CommitLog } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import { atEndOfTest, SECRET } from './testing/given-gateway.js';
import { PacketClient } from './testing/packet-client.js';
import { silentAbout } from './testing/silent-log.js';
import { recordsOf, register, startGateway } from './testing/test-gateway.js';

const DEVICES = ['pump-7', 'pump-8', 'pump-9'];
const MINUTE_MS = 60_000;

/** A gateway with two clocks that stand still until the test moves them; the log keeps silent about readings. */
async function givenClocks(holdMs = 10_000) {
  const log = silentAbout(createMemoryLog({ partitions: 2 }), 'fieldgate.telemetry.v1');
  await log.start();
  for (const id of DEVICES) await register(log, id, SECRET);
  const time = { epoch: Date.now(), monotonic: 1_000 };
  const gateway = await startGateway(
    log,
    { holdMs },
    { clock: { now: () => time.epoch }, monotonic: { now: () => time.monotonic } },
  );
  atEndOfTest(() => {
    log.write(); // or the stop would wait for it, and this clock stands still
    return gateway.stop();
  });
  const open = async (deviceId: string, more: Partial<IConnectPacket> = {}): Promise<PacketClient> => {
    const client = await PacketClient.open(gateway.port, {
      protocolVersion: 5,
      clientId: deviceId,
      username: deviceId,
      ...more,
    });
    atEndOfTest(() => Promise.resolve(client.destroy()));
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    return client;
  };
  return { gateway, log, time, open };
}

function reading(deviceId: string, messageId = 1): IPublishPacket {
  const topic = `devices/${deviceId}/telemetry`;
  return { cmd: 'publish', topic, payload: '{"n":1}', qos: 1, messageId, dup: false, retain: false };
}

/** Connected by TCP, and never sends CONNECT. */
function stranger(port: number): Socket {
  const socket = createConnection(port, '127.0.0.1').resume();
  atEndOfTest(() => Promise.resolve(socket.destroy()));
  return socket;
}

async function publish(client: PacketClient, packet: IPublishPacket): Promise<void> {
  client.send(packet);
  client.send({ cmd: 'pingreq' });
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
}

const eventsIn = async (log: CommitLog): Promise<readonly { event: string; reason: unknown }[]> =>
  (await recordsOf(log, 'fieldgate.events.v1')).map(({ json }) => {
    const { event, details } = json['data'] as { event: string; details?: { reason?: string } }; // as the gateway writes them
    return { event, reason: details?.reason };
  });

it.each([2 * MINUTE_MS, -60 * MINUTE_MS])(
  'a clock that is set by %i ms disconnects nobody, publishes no will and gives no message up',
  async (ms) => {
    const { gateway, log, time, open } = await givenClocks(50_000);
    const looked = once(stranger(gateway.port), 'close');
    const will = { topic: 'devices/pump-7/events/offline', payload: Buffer.from('{"state":"info"}') };
    const quiet = await open('pump-7', { keepalive: 60, will: { ...will, qos: 1, retain: false } });
    const holding = await open('pump-8', { keepalive: 600 });
    await publish(holding, reading('pump-8'));
    const heldFor19s = await open('pump-9', { keepalive: 20 });
    await publish(heldFor19s, reading('pump-9'));
    time.epoch += ms;
    time.monotonic += 25_000;
    await Promise.all([looked, heldFor19s.closed]); // the gateway has looked at everybody, by both of its timers
    quiet.send({ cmd: 'pingreq' });
    expect(await quiet.next()).toMatchObject({ cmd: 'pingresp' });
    log.write();
    expect(await holding.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
    const told = (await eventsIn(log)).filter(({ event }) => event !== 'connected');
    expect(told).toEqual([{ event: 'disconnected', reason: 'log-unavailable' }]); // pump-9: neither the others nor a will
  },
);

it('a clock that is set back stops no time limit', async () => {
  const { gateway, log, time, open } = await givenClocks(1_000);
  const silence = once(stranger(gateway.port), 'close');
  const [holding, quiet] = await Promise.all([open('pump-7'), open('pump-8', { keepalive: 10 })]);
  await publish(holding, reading('pump-7'));
  time.epoch -= 120 * MINUTE_MS;
  time.monotonic += MINUTE_MS;
  await Promise.all([silence, holding.closed, quiet.closed]);
  const reasons = (await eventsIn(log)).flatMap(({ reason }) => (reason === undefined ? [] : [reason]));
  expect(new Set(reasons)).toEqual(new Set(['keep-alive-timeout', 'log-unavailable']));
});

it('a message is held for less than the keep-alive of its device, which would take the silence for the end', async () => {
  const { log, time, open } = await givenClocks(50_000);
  const hurried = await open('pump-7', { keepalive: 20 });
  await publish(hurried, reading('pump-7'));
  const patient = await open('pump-8', { keepalive: 60 });
  await publish(patient, reading('pump-8'));
  time.monotonic += 19_000;
  expect(await hurried.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x89 });
  log.write();
  expect(await patient.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
});
