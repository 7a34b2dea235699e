import type { LogWriter } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { expect, it } from '@jest/globals';
import { SECRET } from './testing/given-gateway.js';
import { logHolds } from './testing/log-holds.js';
import { PacketClient } from './testing/packet-client.js';
import { register, startGateway } from './testing/test-gateway.js';

const SPOOLING = { state: 'spooling', full: undefined, records: 1, bytes: 1, oldestAgeMs: 0 } as const;

/** A device with a will, and a log that can freeze; `spools`: and a spool, which cannot. */
async function givenDevice(spools: boolean) {
  const memory = createMemoryLog();
  await memory.start();
  await register(memory, 'pump-7', SECRET);
  const given = { isFrozen: false, now: 0, msPerLook: 0 };
  const append: LogWriter['append'] = (record, settle) =>
    given.isFrozen || memory.writer.append(record, settle);
  const frozen: LogWriter = { append, drained: (listener) => memory.writer.drained(listener) };
  const log = {
    ...memory,
    writer: frozen,
    ingest: spools ? memory.writer : frozen,
    problem: () => (spools && given.isFrozen ? 'the log does not answer' : undefined),
    spool: () => (spools ? SPOOLING : undefined),
  };
  const monotonic = { now: () => (given.now += given.msPerLook) };
  const gateway = await startGateway(log, {}, { monotonic });
  const will = {
    topic: 'devices/pump-7/events/gone',
    payload: Buffer.from('{}'),
    qos: 1,
    retain: false,
  } as const;
  const client = await PacketClient.open(gateway.port, { protocolVersion: 5, will });
  await client.next();
  await logHolds(memory, 'fieldgate.sessions.v1', '"will"');
  return { given, gateway, client };
}

it('no time is lost on records of sessions, which a log that does not answer cannot take', async () => {
  const { given, gateway, client } = await givenDevice(true);
  given.isFrozen = true;
  await gateway.stop(); // by its clock no time passes: it would wait for ever
  client.destroy();
});

it('all that is waited for has one time', async () => {
  const { given, gateway, client } = await givenDevice(false);
  given.isFrozen = true;
  client.send({
    cmd: 'publish',
    topic: 'devices/pump-7/telemetry',
    payload: '{"n":1}',
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  });
  client.send({ cmd: 'pingreq' });
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  given.msPerLook = 50;
  await gateway.stop();
  expect(given.now).toBeGreaterThan(3_000); // the message, its will and their reports were waited for
  expect(given.now).toBeLessThan(7_000);
  client.destroy();
});
