import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appended } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { alertIdOf, encodeAlertStep, FieldgateError, type Alert } from '@fieldgate/contracts';
import { createLogger, systemClock } from '@fieldgate/service';
import { openTelemetryStore, type TelemetryStore } from '@fieldgate/telemetry-store';
import { batchOf, heldAssignment, step, writeReading, writeStep } from '../testing/written.js';
import { StoreBatch } from './store-batch.js';

let directory: string;
let log: MemoryLog;
let store: TelemetryStore;
let batches: StoreBatch;
const NOW = Date.now();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-storage-'));
  log = createMemoryLog();
  await log.start();
  store = await openTelemetryStore(
    { FIELDGATE_DATA_DIR: directory },
    { clock: systemClock, logger: createLogger({ level: 'silent' }) },
  );
  await store.start();
  batches = new StoreBatch(log.reader, store);
});
afterEach(async () => {
  await store.stop();
  await rm(directory, { recursive: true });
});

async function stored(): Promise<unknown[]> {
  const [series] = await store.series({
    deviceId: 'pump-7',
    metrics: ['n'],
    fromMs: NOW - 1_000,
    toMs: NOW + 1_000,
    limit: 100,
  });
  return (series?.points ?? []).map(([, value]) => value);
}

const write = (value: number, id = `r-${value}`): Promise<void> =>
  writeReading(log, { deviceId: 'pump-7', id, timeMs: NOW + value, value });

describe('storing a batch', () => {
  it('stores a message that the device sent twice once', async () => {
    await write(1);
    await write(1);
    await write(2);
    expect(await batches.readings(await batchOf(log, 'fieldgate.telemetry.v1'))).toEqual([]);
    expect(await stored()).toEqual([1, 2]);
  });

  it('still knows the earlier copy after a restart, from the log', async () => {
    await write(1);
    await batches.readings(await batchOf(log, 'fieldgate.telemetry.v1'));
    await write(1);
    const afterRestart = new StoreBatch(log.reader, store);
    await afterRestart.readings(await batchOf(log, 'fieldgate.telemetry.v1', 1));
    expect(await stored()).toEqual([1]);
  });

  it('knows a message without a time of its own among the newest of these, whatever came with a time between', async () => {
    const small = new StoreBatch(log.reader, store, 2);
    const arrived = (id: string, atMs: number): Promise<void> =>
      writeReading(log, { deviceId: 'pump-7', id, timeMs: NOW + atMs, value: atMs });
    await arrived('first', 1);
    await arrived('second', 2);
    for (let ms = 10; ms < 20; ms++) {
      const timeMs = NOW + ms;
      await writeReading(log, {
        deviceId: 'pump-7',
        id: `t-${ms}`,
        timeMs,
        receivedMs: timeMs + 1,
        value: ms,
      });
    }
    await arrived('second', 30);
    await arrived('third', 31);
    await arrived('fourth', 32);
    await arrived('fifth', 33);
    await arrived('first', 34); // too long ago
    const { records, assignment } = await batchOf(log, 'fieldgate.telemetry.v1');
    for (const [from, record] of records.entries())
      await small.readings({
        topic: 'fieldgate.telemetry.v1',
        partition: 0,
        records: [record],
        assignment,
        from,
      });
    expect(await stored()).toEqual([1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 31, 32, 33, 34]);
  });

  it('knows after a restart what is filed under its arrival, from the log', async () => {
    await writeReading(log, { deviceId: 'pump-7', id: 'a', timeMs: NOW, value: 1 });
    await batches.readings(await batchOf(log, 'fieldgate.telemetry.v1'));
    await writeReading(log, { deviceId: 'pump-7', id: 'a', timeMs: NOW + 5, value: 2 });
    const afterRestart = new StoreBatch(log.reader, store);
    await afterRestart.readings(await batchOf(log, 'fieldgate.telemetry.v1', 1));
    expect(await stored()).toEqual([1]);
  });

  it('stores what the store had refused when it is driven again, and never its copies, also after restarts', async () => {
    const topic = 'fieldgate.telemetry.v1';
    const arrived = (atMs: number): Promise<void> =>
      writeReading(log, { deviceId: 'pump-7', id: 'm-1', timeMs: NOW + atMs, value: atMs });
    const refusing: TelemetryStore = Object.assign(Object.create(store) as TelemetryStore, {
      write: async (points: readonly unknown[]) => ({
        refused: points.map((_, index) => ({
          index,
          code: 'store-refused',
          detail: 'a field has another type',
        })),
      }),
    });
    const running = new StoreBatch(log.reader, refusing);
    const assignment = heldAssignment(topic);
    await arrived(1);
    const first = await running.readings(await batchOf(log, topic, 0, assignment));
    expect(first.map(({ index }) => index)).toEqual([0]);
    await arrived(2); // with DUP
    expect(await running.readings(await batchOf(log, topic, 1, assignment))).toEqual([]);
    await arrived(1); // driven again too early
    expect(await running.readings(await batchOf(log, topic, 2, assignment))).toHaveLength(1);
    await arrived(1); // driven again
    for (let restart = 0; restart < 2; restart++) {
      expect(await new StoreBatch(log.reader, store).readings(await batchOf(log, topic, 3))).toEqual([]);
      expect(await stored()).toEqual([1]);
      await arrived(3); // with DUP
    }
  });

  it('stores a batch that comes again after an outage: nothing is remembered before it is stored', async () => {
    await write(1);
    const batch = await batchOf(log, 'fieldgate.telemetry.v1');
    const away = { ...store, write: () => Promise.reject(new FieldgateError('store-unavailable')) };
    let reachable = away as Pick<TelemetryStore, 'write'>;
    const flaky = new StoreBatch(log.reader, {
      ...store,
      write: (points) => reachable.write(points),
    } as TelemetryStore); // the rest is not called
    await expect(flaky.readings(batch)).rejects.toMatchObject({ code: 'store-unavailable' });
    reachable = store;
    await flaky.readings(batch);
    expect(await stored()).toEqual([1]);
  });

  it('tells the store after a restart which records it has, before it gives it more', async () => {
    const told: string[] = [];
    const telling: TelemetryStore = Object.assign(Object.create(store) as TelemetryStore, {
      recall: (kind: string, { id, timeMs }: { id: string; timeMs: number }) =>
        told.push(`${kind} ${id} ${timeMs - NOW}`),
      write: async () => {
        told.push('write');
        return { refused: [] };
      },
    });
    const write = (id: string, number: number, receivedMs: number): Promise<void> =>
      writeReading(log, { deviceId: 'pump-7', id, timeMs: NOW + number, receivedMs, value: number });
    await write('a', 1, NOW + 1);
    await write('b', 2, NOW + 50);
    await write('~boot-1', 3, NOW + 3);
    await write('c', 4, NOW + 4);
    const batch = await batchOf(log, 'fieldgate.telemetry.v1', 3);
    const restarted = new StoreBatch(log.reader, telling);
    await restarted.readings(batch);
    await restarted.readings(batch);
    expect(told).toEqual(['telemetry a 1', 'telemetry b 2', 'write', 'write']);
  });

  it('refuses what is not ours alone', async () => {
    await write(1);
    await appended(log.writer, {
      topic: 'fieldgate.telemetry.v1',
      key: 'pump-7',
      value: Buffer.from('not ours'),
    });
    await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key: 'pump-7', value: null });
    await write(2);
    const refused = await batches.readings(await batchOf(log, 'fieldgate.telemetry.v1'));
    expect(refused.map(({ index, code }) => [index, code])).toEqual([
      [1, 'record-unreadable'],
      [2, 'record-unreadable'],
    ]);
    expect(await stored()).toEqual([1, 2]);
  });

  it('stores a command when it is finished, also when its steps came in different batches and after a restart', async () => {
    const assignment = heldAssignment('fieldgate.commands.v1');
    await writeStep(log, step('requested'));
    await writeStep(log, step('sent'));
    await batches.finishedCommands(await batchOf(log, 'fieldgate.commands.v1', 0, assignment));
    expect(await store.command('c-1')).toBeUndefined();
    await writeStep(log, step('succeeded', { at: 2_000 }));
    const afterRestart = new StoreBatch(log.reader, store);
    await afterRestart.finishedCommands(await batchOf(log, 'fieldgate.commands.v1', 2));
    expect(await store.command('c-1')).toMatchObject({
      state: 'succeeded',
      timeline: [{ state: 'requested' }, { state: 'sent' }, { state: 'succeeded' }],
    });
  });

  it('adds a late answer to a stored command, and a batch that comes again makes no answer late', async () => {
    await writeStep(log, step('requested'));
    await writeStep(log, step('sent'));
    await writeStep(log, step('timed-out'));
    const batch = await batchOf(log, 'fieldgate.commands.v1');
    await batches.finishedCommands(batch);
    await writeStep(log, step('succeeded', { at: 9_000 }));
    await batches.finishedCommands({
      ...(await batchOf(log, 'fieldgate.commands.v1', 3)),
      assignment: batch.assignment,
    });
    expect(await store.command('c-1')).toMatchObject({ state: 'timed-out', late: { status: 200 } });
  });

  it('stores the steps of alerts, of which acknowledged came before raised, and refuses what is not ours alone', async () => {
    const alert: Alert = {
      id: alertIdOf('pump-7', 'too-hot', NOW),
      deviceId: 'pump-7',
      rule: 'too-hot',
      kind: 'threshold',
      severity: 'warning',
      text: 'too hot',
      since: NOW,
      raisedAt: NOW,
      receivedAt: NOW,
    };
    const acknowledgement = { alertId: alert.id, at: NOW + 1, by: 'admin' };
    const append = (value: Uint8Array | null): Promise<unknown> =>
      appended(log.writer, { topic: 'fieldgate.alerts.v1', key: 'pump-7', value });
    await append(encodeAlertStep({ step: 'acknowledged', alert, acknowledgement }, NOW));
    await append(Buffer.from('not ours'));
    await append(null);
    await append(encodeAlertStep({ step: 'raised', alert: { ...alert, id: 'made up' } }, NOW));
    await append(encodeAlertStep({ step: 'raised', alert }, NOW));
    const refused = await batches.alerts(await batchOf(log, 'fieldgate.alerts.v1'));
    expect(refused.map(({ index, code }) => [index, code])).toEqual([
      [1, 'record-unreadable'],
      [2, 'record-unreadable'],
      [3, 'store-refused'],
    ]);
    expect(await store.alert(alert.id)).toEqual({
      ...alert,
      acknowledgement: { at: NOW + 1, by: 'admin' },
    });
    const ended = { ...alert, clearedAt: NOW + 5, clearReason: 'condition' } as const;
    await append(encodeAlertStep({ step: 'cleared', alert: ended }, NOW));
    await batches.alerts(await batchOf(log, 'fieldgate.alerts.v1', 5));
    expect(await store.alert(alert.id)).toMatchObject({ ...ended, acknowledgement: { by: 'admin' } });
  });
});
