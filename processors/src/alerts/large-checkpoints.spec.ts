import { createHash } from 'node:crypto';
import { beforeEach, expect, it } from '@jest/globals';
import { appended, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger } from '@fieldgate/service';
import { refusingRowsOf } from '../testing/refusing-rows.js';
import { recordsOf } from '../testing/written.js';
import { takingOnly } from '../testing/watched-log.js';
import { AlertCheckpoints, type DeviceRow } from './alert-checkpoints.js';

const TOPIC = 'fieldgate.alert-checkpoints.v1';
const SOURCE = { source: 'telemetry', topic: 'fieldgate.telemetry.v1', partition: 0 } as const;
const clock = { now: () => 5_000 };

let log: MemoryLog;
let lines: string[];

beforeEach(async () => {
  log = createMemoryLog();
  lines = [];
  await log.start();
});

function checkpointsOn(way: CommitLog = log): AlertCheckpoints {
  const logger = createLogger({ level: 'info' }, { write: (line) => void lines.push(line) });
  return new AlertCheckpoints(way, clock, logger);
}

/** Nothing that deflating makes much smaller. */
function noise(length: number, seed: string): string {
  return createHash('shake256', { outputLength: length }).update(seed).digest('base64').slice(0, length);
}

function rowOf(memory: unknown, nextOffset = 7): Omit<DeviceRow, 'kind'> {
  return { deviceId: 'pump-7', nextOffset, memory, pending: [] };
}

/** What a new holder of the partition finds of the device. */
async function found(checkpoints = checkpointsOn()): Promise<unknown> {
  return (await checkpoints.read(SOURCE)).devices.find(({ deviceId }) => deviceId === 'pump-7')?.memory;
}

/** The keys that a compacted topic keeps. */
async function keysLeft(): Promise<string[]> {
  const newest = new Map<string, LogRecord>();
  for (const record of await recordsOf(log, TOPIC)) newest.set(record.key, record);
  return [...newest.values()].filter(({ value }) => value !== null).map(({ key }) => key);
}

it.each([
  [10, 1],
  [200_000, 1],
  [1_500_000, 5],
  [12_000_000, 35],
])('a memory of %i bytes is read as it was written, from %i records', async (length, records) => {
  const memory = { state: noise(length, 'a') };
  await checkpointsOn().writeDevices(SOURCE, [rowOf(memory)]);
  expect(await found()).toEqual(memory);
  expect(await keysLeft()).toHaveLength(records);
});

it('a memory of many readings that are alike is one record', async () => {
  const held = Array.from({ length: 30_000 }, (_, at) => ({ timeMs: 1_700_000_000_000 + at, id: `r-${at}` }));
  await checkpointsOn().writeDevices(SOURCE, [rowOf({ held })]);
  expect(await found()).toEqual({ held });
  expect(await keysLeft()).toEqual(['pump-7/telemetry']);
});

it('the row of the partition may be large as well', async () => {
  const row = { nextOffset: 7, alertsFrom: {}, rules: noise(2_000_000, 'rules') };
  await checkpointsOn().writePartition(SOURCE, row);
  expect((await checkpointsOn().read(SOURCE)).partition).toEqual({ kind: 'partition', ...row });
});

it('many large ones are written one after the other, none of them lost', async () => {
  const rows = Array.from({ length: 60 }, (_, at) => ({
    ...rowOf(noise(600_000, String(at))),
    deviceId: `pump-${at}`,
  }));
  await checkpointsOn().writeDevices(SOURCE, rows);
  const { devices } = await checkpointsOn().read(SOURCE);
  expect(new Map(devices.map(({ deviceId, memory }) => [deviceId, memory]))).toEqual(
    new Map(rows.map(({ deviceId, memory }) => [deviceId, memory])),
  );
});

it('a kill at any of the records leaves the version before, or the whole new one, and the next leaves no rest', async () => {
  const [before, torn, after] = ['before', 'torn', 'after'].map((seed) => noise(1_200_000, seed));
  for (let count = 0; ; count += 1) {
    log = createMemoryLog();
    await log.start();
    await checkpointsOn().writeDevices(SOURCE, [rowOf(before)]);
    const cut = takingOnly(log, count);
    const killed = checkpointsOn(cut);
    await killed.read(SOURCE);
    await killed.writeDevices(SOURCE, [rowOf(torn)]).catch((error: unknown) => {
      if (!cut.isCut) throw error;
    });
    const isWhole = (await recordsOf(log, TOPIC)).filter(({ key }) => key === 'pump-7/telemetry').length > 1;
    expect((await found()) === (isWhole ? torn : before)).toBe(true);

    const next = checkpointsOn();
    await found(next);
    await next.writeDevices(SOURCE, [rowOf(after)]);
    expect((await found()) === after).toBe(true);
    expect(await keysLeft()).toHaveLength(4);
    await next.writeDevices(SOURCE, [rowOf('small')]);
    expect(await found()).toBe('small');
    expect(await keysLeft()).toEqual(['pump-7/telemetry']);
    expect(lines).toEqual([]);
    if (!cut.isCut) return expect(count).toBeGreaterThan(6); // three pieces, what makes them whole, three that go
  }
});

it('a piece that the log refuses leaves the version before', async () => {
  const before = noise(1_200_000, 'before');
  await checkpointsOn().writeDevices(SOURCE, [rowOf(before)]);
  const refusing = checkpointsOn(refusingRowsOf(log, 'pump-7/telemetry/piece', { is: true, refusals: 0 }));
  await found(refusing);
  const written = refusing.writeDevices(SOURCE, [rowOf(noise(1_200_000, 'after'))]);
  await expect(written).rejects.toMatchObject({ code: 'record-refused' });
  expect((await found()) === before).toBe(true);
});

it('a device that is gone leaves no piece behind', async () => {
  await checkpointsOn().writeDevices(SOURCE, [rowOf(noise(1_200_000, 'a'))]);
  const next = checkpointsOn();
  await found(next);
  await next.writeDevices(SOURCE, [rowOf(undefined)]);
  expect(await keysLeft()).toEqual([]);
});

it.each(['changed', 'missing'])(
  'a row with a piece that is %s is left out and said, and others are read',
  async (what) => {
    const checkpoints = checkpointsOn();
    await checkpoints.writeDevices(SOURCE, [
      rowOf(noise(1_200_000, 'a')),
      { ...rowOf('small'), deviceId: 'pump-8' },
    ]);
    const pieces = (await recordsOf(log, TOPIC)).filter(({ key }) => key.includes('/piece/'));
    const [first, second] = pieces;
    const value = what === 'missing' ? null : (second?.value ?? null);
    await appended(log.writer, { topic: TOPIC, key: first?.key ?? '', partitionKey: 'pump-7', value });
    const { devices } = await checkpointsOn().read(SOURCE);
    expect(devices.map(({ deviceId }) => deviceId)).toEqual(['pump-8']);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['record skipped']);
  },
);
