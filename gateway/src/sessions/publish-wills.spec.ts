import { expect, it } from '@jest/globals';
import { appended, LogTable, type CommitLog, type LogPosition, type LogRecord } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { encodeTableRow, sessionRecordSchema, tableRows, type SessionRecord } from '@fieldgate/contracts';
import type { IngestOutcome } from '../ingest/publish.js';
import type { DeviceSession } from './device-session.js';
import { PublishWills } from './publish-wills.js';

const AT = 1_000_000;
const WILL = { topic: 'devices/pump-7/events/gone', payload: '', qos: 1, delaySeconds: 30 } as const;

const row: SessionRecord = {
  deviceId: 'pump-7',
  gateway: 'gw-1',
  boot: 'b',
  connection: 'one',
  connected: false,
  connectedAt: AT - 60_000,
  disconnectedAt: AT,
  protocol: '5',
  keepAliveSeconds: 60,
  expirySeconds: 3_600,
  subscriptions: [],
  resumed: false,
  will: WILL,
};

/** The wills of `gw-1` at `AT`, and a log that takes what the test writes. */
async function givenWills(rows: readonly SessionRecord[] = []) {
  const log = createMemoryLog();
  await log.start();
  const failed = (error: unknown): never => {
    throw error;
  };
  const parse = tableRows('fieldgate.sessions.v1', sessionRecordSchema);
  const unreadable = ({ offset }: LogRecord) => failed(new Error(`record ${offset} is unreadable`));
  const table = new LogTable(log.reader, 'fieldgate.sessions.v1', parse, { failed, unreadable });
  await table.start();
  for (const each of rows) await table.reached(await written(log, each));
  const given = {
    now: AT,
    /** How far the epoch clock has been set forward. */
    setBy: 0,
    connected: '',
    outcome: 'acknowledge' as IngestOutcome,
    messages: [] as string[],
    published: [] as string[],
  };
  const wills = new PublishWills(
    'gw-1',
    table,
    {
      isConnected: (_, connection) => connection === given.connected,
      ingest: ({ deviceId }, publish) => {
        given.messages.push(`${deviceId} ${publish.topic}`);
        publish.settle(given.outcome);
      },
      published: ({ connection }) => given.published.push(connection),
    },
    { now: () => given.now + given.setBy },
    { now: () => given.now },
  );
  wills.start();
  const tellsAt = (now: number): readonly string[] => {
    given.now = now;
    wills.tick();
    return given.messages;
  };
  const write = async (different: Partial<SessionRecord>): Promise<void> =>
    table.reached(await written(log, { ...row, ...different }));
  return { given, wills, tellsAt, write };
}

function written(log: CommitLog, data: SessionRecord): Promise<LogPosition> {
  const value = encodeTableRow('fieldgate.sessions.v1', { key: data.deviceId, id: 'r', atMs: AT, data });
  return appended(log.writer, { topic: 'fieldgate.sessions.v1', key: data.deviceId, value });
}

const GONE = 'pump-7 devices/pump-7/events/gone';

it('waits for the delay of a will, and publishes it once', async () => {
  const { given, tellsAt, write } = await givenWills();
  await write({});
  expect(tellsAt(AT + 29_999)).toEqual([]);
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
  expect(given.published).toEqual(['one']);
  expect(tellsAt(AT + 90_000)).toEqual([GONE]);
});

it.each([7_200_000, -3_600_000])('waits for just its delay when the clock is set by %i ms', async (ms) => {
  const left = await givenWills();
  left.wills.leave(sessionWith({ expirySeconds: 3_600, will: WILL }));
  const read = await givenWills([row]);
  for (const { given, tellsAt, write } of [left, read]) {
    given.setBy = ms;
    await write({});
    expect(tellsAt(AT + 29_999)).toEqual([]);
    expect(tellsAt(AT + 30_000)).toEqual([GONE]);
  }
});

it('waits no longer than its delay in a run whose clock does not know the time yet', async () => {
  const { tellsAt } = await givenWills([{ ...row, disconnectedAt: AT + 3_600_000 }]);
  expect(tellsAt(AT + 29_999)).toEqual([]);
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
});

it('waits no longer than the session lasts', async () => {
  const { tellsAt, write } = await givenWills();
  await write({ expirySeconds: 10 });
  expect(tellsAt(AT + 9_999)).toEqual([]);
  expect(tellsAt(AT + 10_000)).toEqual([GONE]);
});

it('gives a will up when the device is back in its session, here or at another gateway ([MQTT-3.1.3-9])', async () => {
  for (const gateway of ['gw-1', 'gw-2']) {
    const { tellsAt, write } = await givenWills();
    await write({});
    await write({ gateway, connection: 'two', connected: true, resumed: true, will: undefined });
    expect(tellsAt(AT + 90_000)).toEqual([]);
  }
});

it('publishes a will when the device is back in a new session, here or at another gateway', async () => {
  for (const gateway of ['gw-1', 'gw-2']) {
    const { given, write } = await givenWills();
    await write({});
    await write({ gateway, connection: 'two', connected: true, resumed: false, will: undefined });
    expect(given.messages).toEqual([GONE]);
  }
});

it('finds the wills that waited when its gateway was stopped or killed', async () => {
  const { tellsAt } = await givenWills([row]);
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
  const late = await givenWills([{ ...row, disconnectedAt: AT - 60_000 }]);
  expect(late.given.messages).toEqual([GONE]); // over by now: at once
});

it('leaves the wills of other gateways to them', async () => {
  const { tellsAt } = await givenWills([{ ...row, gateway: 'gw-2' }]);
  expect(tellsAt(AT + 90_000)).toEqual([]);
});

it('publishes no will of a connection that lasts, although its record says that it was lost', async () => {
  const { given, tellsAt, write } = await givenWills();
  given.connected = 'one';
  await write({ reason: 'gateway-lost' });
  expect(tellsAt(AT + 90_000)).toEqual([]);
});

it('forgets a will that another run has published', async () => {
  const { tellsAt, write } = await givenWills();
  await write({});
  await write({ will: undefined });
  expect(tellsAt(AT + 90_000)).toEqual([]);
});

it('tries again when the log was away', async () => {
  const { given, tellsAt, write } = await givenWills();
  await write({});
  given.outcome = 'unavailable';
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
  expect(given.published).toEqual([]);
  given.outcome = 'acknowledge';
  expect(tellsAt(AT + 31_000)).toEqual([GONE, GONE]);
  expect(given.published).toEqual(['one']);
  expect(tellsAt(AT + 32_000)).toHaveLength(2);
});

it.each([
  ['without delay, at once', { delaySeconds: 0 }, 3_600, [GONE]],
  ['whose session ends with its connection, at once', { delaySeconds: 30 }, 0, [GONE]],
  ['with a delay, not yet', { delaySeconds: 30 }, 3_600, []],
])('publishes a will %s', async (_, { delaySeconds }, expirySeconds, messages) => {
  const { given, wills } = await givenWills();
  const session = sessionWith({ expirySeconds, will: { ...WILL, delaySeconds } });
  wills.leave(session);
  expect(given.messages).toEqual(messages);
  expect(session.will).toBeDefined(); // its record has it until it is published
});

it('publishes a will after its delay although the log was away when its connection ended', async () => {
  const { wills, tellsAt, write } = await givenWills();
  await write({ connected: true });
  wills.leave(sessionWith({ expirySeconds: 3_600, will: WILL })); // and no record says so
  await write({ connected: true, subscriptions: [{ filter: 'late', qos: 1 }] });
  expect(tellsAt(AT + 29_999)).toEqual([]);
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
});

it('publishes a will once although its record is read only after its delay, and then says so in the record', async () => {
  const { given, wills, tellsAt, write } = await givenWills();
  await write({ connected: true });
  wills.leave(sessionWith({ expirySeconds: 3_600, will: WILL }));
  expect(tellsAt(AT + 30_000)).toEqual([GONE]);
  expect(given.published).toEqual([]);
  await write({});
  expect(given.published).toEqual(['one']);
  await write({ will: undefined });
  expect(tellsAt(AT + 90_000)).toEqual([GONE]);
});

it('publishes a will once although its record is read while the log does not take it', async () => {
  const { given, wills, tellsAt, write } = await givenWills();
  wills.leave(sessionWith({ expirySeconds: 3_600, will: WILL }));
  given.outcome = 'unavailable';
  tellsAt(AT + 30_000);
  given.outcome = 'acknowledge';
  await write({});
  expect(given.published).toEqual([]);
  expect(tellsAt(AT + 31_000)).toEqual([GONE, GONE]); // the first one was not taken
  expect(given.published).toEqual(['one']);
});

it('publishes the will of the next connection too', async () => {
  const { wills, tellsAt, write } = await givenWills();
  wills.leave(sessionWith({ expirySeconds: 3_600, will: WILL }));
  tellsAt(AT + 30_000);
  await write({ connection: 'two', disconnectedAt: AT + 40_000 });
  expect(tellsAt(AT + 90_000)).toEqual([GONE, GONE]);
});

it.each([
  ['resumed elsewhere', true, []],
  ['begun anew elsewhere', false, [GONE]],
])('decides by the newest record when the session was %s', async (_, resumed, messages) => {
  const { given, wills, write } = await givenWills();
  await write({ gateway: 'gw-2', connection: 'two', connected: true, resumed, will: undefined });
  wills.leave(sessionWith({ standing: 'superseded', expirySeconds: 3_600, will: WILL }));
  expect(given.messages).toEqual(messages);
});

function sessionWith(
  more: Pick<DeviceSession, 'expirySeconds' | 'will'> & Partial<DeviceSession>,
): DeviceSession {
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
    subscriptions: [],
    standing: 'newest',
    closed: false,
    ...more,
  };
}
