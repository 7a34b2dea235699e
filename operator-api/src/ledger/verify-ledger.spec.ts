import { appended, HANDLED, type LogPosition } from '@fieldgate/commit-log';
import {
  deviceIdSchema,
  encodeDeadLetter,
  encodeEvent,
  encodeTelemetry,
  mintedId,
  telemetryWriter,
  type LogTopic,
} from '@fieldgate/contracts';
import type { SaidRecord } from '@fieldgate/telemetry-store';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { saidName } from '../testing/memory-store.js';
import { VerifyLedger } from './verify-ledger.js';
import { saidIn } from './verify-partition.js';

const TELEMETRY = 'fieldgate.telemetry.v1';
const EVENTS = 'fieldgate.events.v1';
const HALF_HOUR = NOW - 1_800_000;

let api: ApiUnderTest;
let storage: { stop(): Promise<void> };

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  api.clock.ms = HALF_HOUR;
});

afterEach(() => api.stop());

interface Sent {
  readonly at: LogPosition;
  readonly lose: () => void;
}

async function append(topic: LogTopic, deviceId: string, value: Uint8Array): Promise<LogPosition> {
  return appended(api.log.writer, { topic, key: deviceId, value });
}

/** A reading that is in the log, and in the store until it is lost. */
async function reading(
  deviceId: string,
  id: string,
  { timeMs = api.clock.ms - 5_000, isStored = true } = {},
): Promise<Sent> {
  const message = { id, readings: { temperature: 71.5, speed: 3 } };
  const value = encodeTelemetry(
    telemetryWriter(deviceId, 'gw-1'),
    message,
    { id, timeMs },
    api.clock.ms - 1_000,
  );
  return stored(TELEMETRY, deviceId, value, isStored);
}

async function stored(topic: LogTopic, deviceId: string, value: Uint8Array, isStored = true): Promise<Sent> {
  const at = await append(topic, deviceId, value);
  const entry = saidIn({ ...at, topic, key: deviceId, value, timestampMs: 0 }) as SaidRecord; // made here
  if (isStored) await api.store.write([entry]);
  return { at, lose: () => api.store.said.delete(saidName(entry)) };
}

/** The storage group has come to the end of the log. */
async function storageHasPassed(): Promise<void> {
  const topics = [TELEMETRY, EVENTS] as const;
  storage = await api.log.reader.consume(
    'fieldgate.storage',
    topics,
    async () => HANDLED,
    (error) => {
      throw error;
    },
  );
  for (const topic of topics)
    while ((await api.log.reader.lag('fieldgate.storage', topic)) > 0)
      await new Promise((resolve) => setImmediate(resolve));
  await storage.stop();
  api.clock.ms = NOW;
}

async function verified(query = ''): Promise<Record<string, unknown>> {
  const { status, body } = await api.call(`GET /v1/ledger/verify${query}`);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as Record<string, unknown>; // an object, as `call` has checked
}

const NONE = { stored: 0, refused: 0, duplicates: 0, pending: 0, missingTotal: 0, missing: [] };

describe('GET /v1/ledger/verify', () => {
  it('finds nothing missing where everything is stored, over the last hour but a minute', async () => {
    await reading('pump-1', 'a');
    await reading('pump-2', 'b');
    const event = { deviceId: 'pump-1', event: 'hot', state: 'raised', severity: 'info' } as const;
    await stored(EVENTS, 'pump-1', encodeEvent(event, { id: 'e', timeMs: HALF_HOUR }, HALF_HOUR));
    await storageHasPassed();
    expect(await verified()).toEqual({
      ...NONE,
      from: new Date(NOW - 3_660_000).toISOString(),
      to: new Date(NOW - 60_000).toISOString(),
      checked: 3,
      stored: 3,
    });
  });

  it('names what is missing: device, times, place in the log, metrics', async () => {
    await reading('pump-1', 'a');
    const lost = await reading('pump-1', 'b', { timeMs: HALF_HOUR - 60_000 });
    const event = { deviceId: 'pump-2', event: 'hot', state: 'raised', severity: 'info' } as const;
    const identity = { id: 'e', timeMs: HALF_HOUR };
    const lostEvent = await stored(EVENTS, 'pump-2', encodeEvent(event, identity, HALF_HOUR), false);
    await storageHasPassed();
    lost.lose();
    expect(await verified()).toMatchObject({
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
    await reading('pump-1', 'a', { isStored: false });
    await storageHasPassed();
    api.clock.ms = HALF_HOUR;
    await reading('pump-1', 'b', { isStored: false });
    await reading('pump-1', 'c');
    await append(TELEMETRY, 'pump-1', Buffer.from('not ours'));
    api.clock.ms = NOW;
    expect(await verified()).toMatchObject({ checked: 4, stored: 1, pending: 2, missingTotal: 1 });
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
        atMs: api.clock.ms,
      });
      await append('fieldgate.dead-letters.v1', 'pump-1', value);
    };
    const refused = await reading('pump-1', 'a', { isStored: false });
    const missing = await reading('pump-1', 'b', { isStored: false });
    const unreadable = await append(TELEMETRY, 'pump-1', Buffer.from('not ours'));
    const buriedByNobody = await append(TELEMETRY, 'pump-1', Buffer.from('not ours either'));
    await storageHasPassed();
    await refuse('fieldgate.storage', refused.at);
    await refuse('fieldgate.alerts', missing.at);
    await refuse('fieldgate.storage', unreadable);
    const { missing: named, ...counts } = await verified();
    expect(counts).toMatchObject({ checked: 4, stored: 0, refused: 2, missingTotal: 2 });
    expect(named).toMatchObject([
      { deviceId: 'pump-1', ...buriedByNobody, metrics: [] },
      { ...missing.at, id: 'b' },
    ]);
  });

  it('counts what was sent again as a duplicate when the first one is stored, also when that is before the range', async () => {
    const arrived = { timeMs: HALF_HOUR - 1_000 };
    api.clock.ms = HALF_HOUR - 7_200_000;
    await reading('pump-1', 'early', arrived);
    api.clock.ms = HALF_HOUR;
    await reading('pump-1', 'early', { ...arrived, timeMs: HALF_HOUR - 999, isStored: false });
    const first = await reading('pump-1', 'a', arrived);
    await reading('pump-1', 'a', { timeMs: HALF_HOUR - 999, isStored: false });
    await reading('pump-2', 'a', { timeMs: HALF_HOUR - 999, isStored: false });
    await reading('pump-1', mintedId('b00t', 1), { isStored: false });
    await storageHasPassed();
    expect(await verified()).toMatchObject({ checked: 5, stored: 1, duplicates: 2, missingTotal: 2 });
    first.lose();
    expect(await verified()).toMatchObject({ checked: 5, stored: 0, duplicates: 1, missingTotal: 4 });
  });

  it('looks at what came into the log in the range, of one device, and names as many as are asked for', async () => {
    for (let minute = 0; minute < 20; minute++) {
      api.clock.ms = HALF_HOUR + minute * 60_000;
      await reading('pump-1', `a-${minute}`, { isStored: false });
      await reading('pump-2', `b-${minute}`);
    }
    await storageHasPassed();
    const range = `?from=${HALF_HOUR + 300_000}&to=${new Date(HALF_HOUR + 600_000).toISOString()}`;
    expect(await verified(range)).toMatchObject({ checked: 10, stored: 5, missingTotal: 5 });
    expect(await verified(`${range}&device=pump-2`)).toMatchObject({ ...NONE, checked: 5, stored: 5 });
    const { missing, ...counts } = await verified(`${range}&device=pump-1&limit=2`);
    expect(counts).toMatchObject({ checked: 5, missingTotal: 5 });
    expect(missing).toMatchObject([{ id: 'a-5' }, { id: 'a-6' }]);
  });

  it('answers after a while, and says where to go on', async () => {
    for (let n = 0; n < 2_500; n++) void reading(`pump-${n % 5}`, `id-${n}`);
    (await reading('pump-1', 'last')).lose();
    await storageHasPassed();
    const missing = api.store.missing.bind(api.store);
    api.store.missing = (batch) => {
      api.monotonic.ms += 20_001;
      return missing(batch);
    };
    const seen: Record<string, unknown>[] = [];
    let next: string | undefined;
    do {
      const answer = await verified(next === undefined ? '' : `?start=${next}`);
      seen.push(answer);
      next = answer['next'] as string | undefined; // `call` has checked
    } while (next !== undefined);
    const sum = (name: string): number => seen.reduce((total, each) => total + Number(each[name]), 0);
    expect(seen.length).toBeGreaterThan(2);
    expect([sum('checked'), sum('stored'), sum('missingTotal')]).toEqual([2_501, 2_500, 1]);
    expect(seen.flatMap((each) => each['missing'])).toMatchObject([{ id: 'last' }]);
  });

  it('does two at once', async () => {
    await reading('pump-1', 'a');
    await storageHasPassed();
    const missing = api.store.missing.bind(api.store);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let begun = 0;
    const bothBegun = new Promise<void>((resolve) => {
      api.store.missing = async (batch) => {
        begun += 1;
        if (begun === 2) resolve();
        await held;
        return missing(batch);
      };
    });
    const path = 'GET /v1/ledger/verify';
    const two = [api.call(path), api.call(path)];
    await bothBegun;
    expect(await api.call(path)).toMatchObject({ status: 503, body: { code: 'too-many-requests' } });
    goOn();
    expect(await Promise.all(two)).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await api.call(path)).toMatchObject({ status: 200 });
  });

  it('ends when its client has gone', async () => {
    const device = deviceIdSchema.parse('pump-1');
    await Promise.all(Array.from({ length: 2_500 }, (_, n) => reading(device, `id-${n}`)));
    await storageHasPassed();
    const gone = new AbortController();
    const missing = api.store.missing.bind(api.store);
    api.store.missing = (batch) => {
      gone.abort();
      return missing(batch);
    };
    const outcome = await api.get(VerifyLedger).verify({ device, limit: 1 }, gone.signal);
    expect(outcome).toMatchObject({ checked: 1_000, next: { topic: TELEMETRY } });
  });

  it.each([
    `from=${NOW}`,
    `from=${NOW - 1000}&to=${NOW - 2000}`,
    'limit=0',
    'limit=10001',
    'device=-',
    'start=commands-0-0',
    'start=1',
    'unknown=1',
  ])('refuses %s', async (query) => {
    api.clock.ms = NOW;
    expect(await api.call(`GET /v1/ledger/verify?${query}`)).toMatchObject({
      status: 422,
      body: { code: 'invalid-request' },
    });
  });

  it('says that the store is away', async () => {
    await reading('pump-1', 'a');
    await storageHasPassed();
    api.store.away = true;
    expect(await api.call('GET /v1/ledger/verify')).toMatchObject({
      status: 503,
      body: { code: 'store-unavailable' },
    });
  });
});
