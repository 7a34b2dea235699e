import type { LogPosition } from '@fieldgate/commit-log';
import {
  alertIdOf,
  encodeAlertStep,
  encodeCommandStep,
  encodeDeadLetter,
  encodeEvent,
  mintedId,
  STORAGE_GROUP,
  STORAGE_WINDOW,
  type Alert,
  type Command,
  type CommandStep,
} from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NOW } from '../testing/api-under-test.js';
import { HALF_HOUR, TELEMETRY, VerifiedLog } from '../testing/verified-log.js';

const EVENTS = 'fieldgate.events.v1';
const OTHERS = Buffer.from('{}');

let log: VerifiedLog;

beforeEach(async () => {
  log = await new VerifiedLog().start();
});

afterEach(() => log.stop());

const COMMAND: Omit<Command, 'id' | 'state'> = {
  deviceId: 'pump-1',
  name: 'restart',
  params: undefined,
  mode: 'interactive',
  ttlMs: 1_000,
  timeoutMs: 1_000,
  requestedAt: HALF_HOUR,
  requestedBy: 'admin',
  bodyHash: '',
  timeline: [],
};
const ALERT: Omit<Alert, 'id' | 'rule'> = {
  deviceId: 'pump-1',
  kind: 'threshold',
  severity: 'warning',
  text: 'too hot',
  since: HALF_HOUR,
  raisedAt: HALF_HOUR,
  receivedAt: HALF_HOUR,
};
const NONE = { stored: 0, refused: 0, duplicates: 0, pending: 0, missingTotal: 0, missing: [] };

describe('GET /v1/ledger/verify', () => {
  it('finds nothing missing where everything is stored, over the last hour but a minute', async () => {
    await log.reading('pump-1', 'a');
    await log.reading('pump-2', 'b');
    const event = { deviceId: 'pump-1', event: 'hot', state: 'raised', severity: 'info' } as const;
    await log.stored(EVENTS, 'pump-1', encodeEvent(event, { id: 'e', timeMs: HALF_HOUR }, HALF_HOUR));
    await log.storageHasPassed();
    expect(await log.verified()).toEqual({
      ...NONE,
      from: new Date(NOW - 3_660_000).toISOString(),
      to: new Date(NOW - 60_000).toISOString(),
      checked: 3,
      stored: 3,
    });
  });

  it('names what is missing: device, times, place in the log, metrics', async () => {
    await log.reading('pump-1', 'a');
    const lost = await log.reading('pump-1', 'b', { timeMs: HALF_HOUR - 60_000 });
    const event = { deviceId: 'pump-2', event: 'hot', state: 'raised', severity: 'info' } as const;
    const identity = { id: 'e', timeMs: HALF_HOUR };
    const lostEvent = await log.stored(EVENTS, 'pump-2', encodeEvent(event, identity, HALF_HOUR), false);
    await log.storageHasPassed();
    lost.lose();
    expect(await log.verified()).toMatchObject({
      ...NONE,
      checked: 3,
      stored: 1,
      missingTotal: 2,
      missing: [
        {
          deviceId: 'pump-1',
          topic: TELEMETRY,
          ...lost.at,
          id: 'b',
          time: new Date(HALF_HOUR - 60_000).toISOString(),
          receivedAt: new Date(HALF_HOUR - 1_000).toISOString(),
          appendedAt: new Date(HALF_HOUR).toISOString(),
          metrics: ['temperature', 'speed'],
        },
        { deviceId: 'pump-2', topic: EVENTS, ...lostEvent.at, id: 'e', metrics: [] },
      ],
    });
  });

  it('waits for what the storage group has not passed: pending, but stored when it is there already', async () => {
    await log.reading('pump-1', 'a', { isStored: false });
    await log.storageHasPassed();
    log.api.clock.ms = HALF_HOUR;
    await log.reading('pump-1', 'b', { isStored: false });
    await log.reading('pump-1', 'c');
    await log.append(TELEMETRY, 'pump-1', Buffer.from('not ours'));
    log.api.clock.ms = NOW;
    expect(await log.verified()).toMatchObject({ checked: 4, stored: 1, pending: 2, missingTotal: 1 });
  });

  it('does not miss what storage has refused, and misses what another group has refused', async () => {
    const refuse = async (group: string, at: LogPosition): Promise<void> => {
      const value = encodeDeadLetter({
        deviceId: 'pump-1',
        id: `${group}-${at.offset}`,
        code: 'store-refused',
        detail: 'no',
        origin: { kind: 'log', topic: TELEMETRY, ...at, group },
        payload: Buffer.from('x'),
        atMs: log.api.clock.ms,
      });
      await log.append('fieldgate.dead-letters.v1', 'pump-1', value);
    };
    const refused = await log.reading('pump-1', 'a', { isStored: false });
    const missing = await log.reading('pump-1', 'b', { isStored: false });
    const unreadable = await log.append(TELEMETRY, 'pump-1', Buffer.from('not ours'));
    const buriedByNobody = await log.append(TELEMETRY, 'pump-1', Buffer.from('not ours either'));
    await log.storageHasPassed();
    await refuse(STORAGE_GROUP, refused.at);
    await refuse('fieldgate.alerts', missing.at);
    await refuse(STORAGE_GROUP, unreadable);
    const { missing: named, ...counts } = await log.verified();
    expect(counts).toMatchObject({ checked: 4, stored: 0, refused: 2, missingTotal: 2 });
    expect(named).toMatchObject([
      { ...missing.at, id: 'b' },
      { deviceId: 'pump-1', ...buriedByNobody, metrics: [] },
    ]);
  });

  it('looks for what commands and alerts have come to', async () => {
    const { api } = log;
    const step = async (value: CommandStep): Promise<unknown> =>
      log.append(
        'fieldgate.commands.v1',
        value.deviceId,
        encodeCommandStep(value, `${value.commandId}-${value.step}`),
      );
    const common = { deviceId: 'pump-1', at: HALF_HOUR };
    const answered = { step: 'succeeded', status: 200, body: { encoding: 'none' } } as const;
    await step({
      ...common,
      commandId: 'open',
      step: 'sent',
      gateway: 'g',
      connection: 'c',
      attempt: 1,
      qos: 1,
    });
    await step({ ...common, commandId: 'kept', ...answered });
    await step({ ...common, commandId: 'gone', ...answered });
    await step({ ...common, commandId: 'late', step: 'timed-out', detail: 'no answer' });
    await step({ ...common, commandId: 'late', ...answered });
    const done = { ...COMMAND, state: 'succeeded', result: { status: 200, body: answered.body } } as const;
    await api.store.write([
      { kind: 'command', record: { ...done, id: 'kept' } },
      { kind: 'command', record: { ...COMMAND, id: 'late', state: 'timed-out' } },
    ]);
    const alertOf = (rule: string): Alert => ({ ...ALERT, rule, id: alertIdOf('pump-1', rule, HALF_HOUR) });
    for (const alert of [alertOf('kept'), alertOf('gone')])
      await log.append(
        'fieldgate.alerts.v1',
        'pump-1',
        encodeAlertStep({ step: 'raised', alert }, HALF_HOUR),
      );
    const cleared = { step: 'cleared', alert: { ...alertOf('kept'), clearedAt: HALF_HOUR } } as const;
    await log.append('fieldgate.alerts.v1', 'pump-1', encodeAlertStep(cleared, HALF_HOUR));
    await api.store.write([{ kind: 'alert', record: { step: 'raised', alert: alertOf('kept') } }]);
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({
      checked: 7,
      stored: 3,
      missingTotal: 4,
      missing: [
        { topic: 'fieldgate.commands.v1', deviceId: 'pump-1', id: 'gone', metrics: [] },
        { topic: 'fieldgate.commands.v1', id: 'late' },
        { topic: 'fieldgate.alerts.v1', deviceId: 'pump-1', id: alertOf('gone').id, metrics: [] },
        { topic: 'fieldgate.alerts.v1', id: alertOf('kept').id },
      ],
    });
  });

  it('counts what was sent again as a duplicate when the first one is stored, also when that is before the range', async () => {
    log.api.clock.ms = HALF_HOUR - 7_200_000;
    await log.reading('pump-1', 'early', { timeMs: HALF_HOUR - 7_201_000 });
    log.api.clock.ms = HALF_HOUR;
    await log.reading('pump-1', 'early', { timeMs: HALF_HOUR - 1_000, isStored: false });
    const first = await log.reading('pump-1', 'a', { timeMs: HALF_HOUR - 1_000 });
    log.api.clock.ms = HALF_HOUR + 1;
    await log.reading('pump-1', 'a', { timeMs: HALF_HOUR - 999, isStored: false });
    await log.reading('pump-2', 'a', { timeMs: HALF_HOUR - 999, isStored: false });
    await log.reading('pump-1', mintedId('b00t', 1), { isStored: false });
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({ checked: 5, stored: 1, duplicates: 2, missingTotal: 2 });
    first.lose();
    expect(await log.verified()).toMatchObject({ checked: 5, stored: 0, duplicates: 1, missingTotal: 4 });
  });

  it.each([
    ['just before it', 1],
    ['further behind than the records that storage reads at its start', STORAGE_WINDOW + 1],
  ])('finds what a device without a clock had sent before, %s', async (_, between) => {
    const name = { timeMs: HALF_HOUR - 7_200_000 - 1_000 };
    log.api.clock.ms = HALF_HOUR - 7_200_000;
    await log.reading('pump-1', 'again', name);
    for (let n = 1; n < between; n++) void log.append(TELEMETRY, 'pump-1', OTHERS);
    await log.append(TELEMETRY, 'pump-1', OTHERS);
    log.api.clock.ms = HALF_HOUR;
    await log.reading('pump-1', 'again', { timeMs: HALF_HOUR - 1_000, isStored: false });
    await log.reading('pump-1', 'at-its-own-time', { isStored: false });
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({
      checked: 2,
      duplicates: 1,
      missingTotal: 1,
      missing: [{ id: 'at-its-own-time' }],
    });
  });

  it('looks at what came into the log in the range, of one device, and names as many as are asked for', async () => {
    for (let minute = 0; minute < 20; minute++) {
      log.api.clock.ms = HALF_HOUR + minute * 60_000;
      await log.reading('pump-1', `a-${minute}`, { isStored: false });
      await log.reading('pump-2', `b-${minute}`);
    }
    await log.storageHasPassed();
    const range = `?from=${HALF_HOUR + 300_000}&to=${new Date(HALF_HOUR + 600_000).toISOString()}`;
    expect(await log.verified(range)).toMatchObject({ checked: 10, stored: 5, missingTotal: 5 });
    expect(await log.verified(`${range}&device=pump-2`)).toMatchObject({ ...NONE, checked: 5, stored: 5 });
    const { missing, ...counts } = await log.verified(`${range}&device=pump-1&limit=2`);
    expect(counts).toMatchObject({ checked: 5, missingTotal: 5 });
    expect(missing).toMatchObject([{ id: 'a-5' }, { id: 'a-6' }]);
  });

  it.each([
    `from=${NOW}`,
    `from=${NOW - 1000}&to=${NOW - 2000}`,
    'limit=0',
    'limit=10001',
    'device=-',
    'start=sessions-0-0',
    'start=1',
    'unknown=1',
  ])('refuses %s', async (query) => {
    log.api.clock.ms = NOW;
    expect(await log.api.call(`GET /v1/ledger/verify?${query}`)).toMatchObject({
      status: 422,
      body: { code: 'invalid-request' },
    });
  });

  it('says that the store is away', async () => {
    await log.reading('pump-1', 'a');
    await log.storageHasPassed();
    log.api.store.away = true;
    expect(await log.api.call('GET /v1/ledger/verify')).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable' },
    });
  });
});
