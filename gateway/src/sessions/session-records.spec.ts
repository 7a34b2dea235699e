import { setTimeout as pause } from 'node:timers/promises';
import { appended, LogTable, type CommitLog, type LogWriter } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import {
  encodeTableRow,
  FieldgateError,
  sessionRecordSchema,
  tableRows,
  type SessionRecord,
} from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { expect, it, jest } from '@jest/globals';
import { atEndOfTest } from '../testing/given-gateway.js';
import { recordsOf } from '../testing/test-gateway.js';
import type { DeviceSession } from './device-session.js';
import { NewestSessions, type ResumedSession } from './newest-sessions.js';
import { SessionRecords } from './session-records.js';
import { SessionRegistry } from './session-registry.js';

const AT = 1_000_000;
const clock = { now: () => AT };
const identity = { gatewayId: 'gw-1', boot: 'b' };

/** The records of `gw-1`, and a log that can stop taking them. */
async function givenRecords({ partitions = 1 } = {}) {
  const memory = createMemoryLog({ partitions });
  await memory.start();
  const given = { isAway: false, isHanging: false, isReplaced: false, tries: 0, problem: '' };
  const hanging: (() => void)[] = [];
  const append: LogWriter['append'] = (record, settle) => {
    given.tries += 1;
    if (!given.isAway) return memory.writer.append(record, settle);
    const fail = (): void => settle(new FieldgateError('log-unavailable'), undefined, record);
    if (given.isHanging) hanging.push(fail);
    else queueMicrotask(fail);
    return true;
  };
  const writer = { append, drained: (listener: () => void) => memory.writer.drained(listener) };
  const log: CommitLog = {
    ...memory,
    writer,
    problem: () => (given.isAway ? 'away' : given.problem || undefined),
  };
  const failed = (error: unknown): never => {
    throw error;
  };
  const parse = tableRows('fieldgate.sessions.v1', sessionRecordSchema);
  const table = new LogTable(log.reader, 'fieldgate.sessions.v1', parse, {
    failed,
    unreadable: ({ offset }) => failed(new Error(`record ${offset} is unreadable`)),
  });
  await table.start();
  const newest = new NewestSessions('gw-1', table, clock);
  newest.start();
  const records = new SessionRecords({ identity, log, table, newest, clock });
  atEndOfTest(async () => {
    records.stop();
    await table.stop();
  });
  /** A connection that was recorded, and has ended while the log was away. */
  const ended = async (session: DeviceSession): Promise<{ readonly end: Promise<void> }> => {
    await records.persist(session);
    await table.caughtUp();
    given.isAway = true;
    const { tries } = given;
    const end = records.end(session, 'connection-lost', () => given.isReplaced);
    await until(() => given.tries > tries);
    return { end };
  };
  /** As if by another gateway. */
  const written = async (record: Partial<SessionRecord>): Promise<void> => {
    const data = { ...table.get('pump-7'), ...record };
    const value = encodeTableRow('fieldgate.sessions.v1', { key: 'pump-7', id: 'x', atMs: AT, data });
    await table.reached(
      await appended(memory.writer, { topic: 'fieldgate.sessions.v1', key: 'pump-7', value }),
    );
  };
  const states = async (): Promise<string[]> =>
    (await recordsOf(memory, 'fieldgate.sessions.v1')).map(({ json }) => {
      const { connection, connected, will } = sessionRecordSchema.parse(json['data']);
      return `${connection} ${connected ? 'begins' : 'ends'}${will ? ' with a will' : ''}`;
    });
  return { log, table, given, hanging, records, ended, written, states };
}

async function until(isSo: () => boolean): Promise<void> {
  const late = Date.now() + 30_000;
  while (!isSo() && Date.now() < late) await pause(5);
}

function session(more: Partial<DeviceSession> = {}): DeviceSession {
  return {
    deviceId: 'pump-7',
    connection: 'one',
    link: { close: () => true, send: () => true, fits: () => true, oldestUnsettled: undefined, unsettled: 0 },
    registration: { creationId: 'c', secretVersion: 1 },
    protocol: '5',
    connectedAt: AT,
    keepAliveSeconds: 60,
    topicPrefix: 'devices/pump-7/',
    resumed: false,
    expirySeconds: 3_600,
    will: undefined,
    subscriptions: [],
    standing: 'unread',
    closed: false,
    ...more,
  };
}

it('a connection that ends while the log is away has ended in the log when that is back', async () => {
  const { given, ended, states } = await givenRecords();
  const { end } = await ended(session());
  given.isAway = false;
  await end;
  expect(await states()).toEqual(['one begins', 'one ends']);
});

it('also when the log goes on to lack a leader of another topic', async () => {
  const { given, ended, states } = await givenRecords();
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'Date'] });
  atEndOfTest(async () => void jest.useRealTimers());
  given.problem = '1 partitions have no leader';
  const { end } = await ended(session());
  given.isAway = false;
  await jest.advanceTimersByTimeAsync(60_000);
  await end;
  expect(await states()).toEqual(['one begins', 'one ends']);
});

it('it has not when the device is back at this gateway', async () => {
  const { given, ended, states } = await givenRecords();
  const { end } = await ended(session());
  given.isReplaced = true;
  given.isAway = false;
  await end;
  expect(await states()).toEqual(['one begins']);
});

it('nor when the device has come back and gone again: that end is the last', async () => {
  const { given, records, ended, states } = await givenRecords();
  const { end } = await ended(session());
  const next = records.end(session({ connection: 'two' }), 'connection-lost', () => false);
  given.isAway = false;
  await Promise.all([end, next]);
  expect(await states()).toEqual(['one begins', 'two ends']);
});

it('nor when the device is elsewhere by now', async () => {
  const { given, ended, written, states } = await givenRecords();
  const { end } = await ended(session());
  await written({ gateway: 'gw-2', connection: 'two' });
  given.isAway = false;
  await end;
  expect(await states()).toEqual(['one begins', 'two begins']);
});

it('nor when somebody has said so already', async () => {
  const { given, ended, written, states } = await givenRecords();
  const { end } = await ended(session());
  await written({ connected: false, reason: 'gateway-lost' });
  given.isAway = false;
  await end;
  expect(await states()).toEqual(['one begins', 'one ends']);
});

it('nobody waits for a log that is away when the gateway stops', async () => {
  const { records, ended } = await givenRecords();
  const { end } = await ended(session());
  records.stop();
  await expect(end).rejects.toMatchObject({ code: 'log-unavailable' });
});

it('of all the connections that an outage ends 64 of a partition are tried at once, the others in turn, and all have ended after it', async () => {
  const { log, given, hanging, records, states } = await givenRecords({ partitions: 2 });
  const sessions = Array.from({ length: 1_000 }, (_, n) =>
    session({ deviceId: `pump-${n}`, connection: `c-${n}` }),
  );
  const partitions = new Set(
    sessions.map(({ deviceId }) => log.reader.partitionOf('fieldgate.sessions.v1', deviceId)),
  );
  given.isAway = true;
  given.isHanging = true;
  const ends = sessions.map((each) => records.end(each, 'connection-lost', () => false));
  const atOnce = 64 * partitions.size;
  expect([partitions.size, given.tries]).toEqual([2, atOnce]);
  for (const fail of hanging.splice(0)) fail();
  await until(() => given.tries === 2 * atOnce); // the log is away, and others have their turn
  expect(hanging).toHaveLength(atOnce);
  given.isHanging = false;
  given.isAway = false;
  for (const fail of hanging) fail();
  await Promise.all(ends);
  expect((await states()).sort()).toEqual(sessions.map(({ connection }) => `${connection} ends`).sort());
});

it('a partition that takes nothing holds up no end in another', async () => {
  const { log, given, hanging, records } = await givenRecords({ partitions: 2 });
  const partitionOf = (deviceId: string): number => log.reader.partitionOf('fieldgate.sessions.v1', deviceId);
  const ids = Array.from({ length: 200 }, (_, n) => `pump-${n}`);
  const first = partitionOf('pump-0');
  given.isAway = true;
  given.isHanging = true;
  const stuck = ids
    .filter((id) => partitionOf(id) === first)
    .map((deviceId) => records.end(session({ deviceId }), 'connection-lost', () => false));
  expect(hanging).toHaveLength(64);
  given.isAway = false;
  const other = ids.find((id) => partitionOf(id) !== first);
  if (other === undefined) throw new Error('all are of one partition');
  await records.end(session({ deviceId: other }), 'connection-lost', () => false);
  expect(hanging).toHaveLength(64);
  for (const fail of hanging) fail();
  await Promise.all(stuck);
});

it('an end that is over when its turn comes is not written', async () => {
  const { given, hanging, records, states } = await givenRecords();
  given.isAway = true;
  given.isHanging = true;
  const before = Array.from({ length: 64 }, () => records.end(session(), 'connection-lost', () => true));
  const late = records.end(session(), 'connection-lost', () => true);
  given.isAway = false;
  for (const fail of hanging) fail();
  await Promise.all([...before, late]);
  expect(given.tries).toBe(64);
  expect(await states()).toEqual([]);
});

it('a gateway that stops waits for no turn', async () => {
  const { given, hanging, records } = await givenRecords();
  given.isAway = true;
  given.isHanging = true;
  const ends = Array.from({ length: 300 }, (_, n) =>
    records.end(session({ deviceId: `pump-${n}` }), 'connection-lost', () => false),
  );
  const all = Promise.allSettled(ends);
  records.stop();
  await until(() => hanging.length === 300);
  for (const fail of hanging) fail();
  expect((await all).filter(({ status }) => status === 'rejected')).toHaveLength(300);
});

it('a will that was published while the log was away leaves its record when that is back', async () => {
  const { given, table, records, states } = await givenRecords();
  const will = { topic: 'devices/pump-7/events/gone', payload: '', qos: 1, delaySeconds: 0 } as const;
  await records.end(session({ will }), 'connection-lost', () => false);
  await table.caughtUp();
  const record = table.get('pump-7');
  if (!record) throw new Error('it was written');
  given.isAway = true;
  const removed = records.removeWill(record);
  await until(() => given.tries > 1);
  given.isAway = false;
  await removed;
  expect(await states()).toEqual(['one ends with a will', 'one ends']);
});

it('a connection is not unsure for ever when it cannot be made sure: its end is recorded', async () => {
  const { log, table, states } = await givenRecords();
  const registry = new SessionRegistry(identity, log, table, clock, createLogger({ level: 'silent' }));
  registry.start();
  const close = (reason: string): boolean => {
    if (reason === 'session-gone') throw new Error('of the test');
    return true;
  };
  const broken = session({ link: { ...session().link, close } });
  const { deviceId, connectedAt, protocol, keepAliveSeconds, expirySeconds } = broken;
  const record: SessionRecord = {
    deviceId,
    gateway: 'gw-2',
    boot: 'b',
    connection: 'zero',
    connected: false,
    connectedAt,
    protocol,
    keepAliveSeconds,
    expirySeconds,
    subscriptions: [],
  };
  const resumed: ResumedSession = { record, isNewest: false, isFromElsewhere: true }; // the table knows of none
  await registry.connected(broken, resumed);
  registry.disconnected(broken, 'log-unavailable');
  await until(() => table.get('pump-7') !== undefined);
  expect(await states()).toEqual(['one ends']);
});
