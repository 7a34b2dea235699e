import { expect, it } from '@jest/globals';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger } from '@fieldgate/service';
import { recordsOf } from '../testing/written.js';
import { AlertCheckpoints } from './alert-checkpoints.js';
import type { SourcePartition } from './alert-source.js';

const clock = { now: () => 5_000 };
const logger = createLogger({ level: 'silent' });
const telemetry = (partition: number): SourcePartition => ({
  source: 'telemetry',
  topic: 'fieldgate.telemetry.v1',
  partition,
});
const row = { nextOffset: 7, alertsFrom: { '1': 3 }, rules: '', memory: { clock: 1 } };

it('a partition reads its own row, what passed and its devices, from the partition of the same number', async () => {
  const log = createMemoryLog({ partitions: 3 });
  await log.start();
  const checkpoints = new AlertCheckpoints(log, clock, logger);
  const devices = Array.from({ length: 12 }, (_, index) => `pump-${index}`);
  for (let partition = 0; partition < 3; partition += 1) {
    const here = devices.filter((id) => log.reader.partitionOf('fieldgate.telemetry.v1', id) === partition);
    const rows = here.map((deviceId) => ({ deviceId, nextOffset: 5, memory: partition, pending: [] }));
    await checkpoints.writeDevices(telemetry(partition), rows);
    await checkpoints.writePassed(telemetry(partition), {
      ticks: [{ offset: 6, clockMs: partition }],
      doubts: [{ from: 1, to: 3, nowMs: partition }],
    });
    await checkpoints.writePartition(telemetry(partition), { ...row, limitMs: partition });
    await checkpoints.writePartition(
      { source: 'events', topic: 'fieldgate.events.v1', partition },
      { ...row, limitMs: 99 },
    );
  }
  let seen = 0;
  for (let partition = 0; partition < 3; partition += 1) {
    const read = await new AlertCheckpoints(log, clock, logger).read(telemetry(partition));
    expect(read.partition).toEqual({ kind: 'partition', ...row, limitMs: partition });
    expect(read.ticks).toEqual([{ offset: 6, clockMs: partition }]);
    expect(read.doubts).toEqual([{ from: 1, to: 3, nowMs: partition }]);
    expect(new Set(read.devices.map(({ memory }) => memory))).toEqual(new Set([partition]));
    seen += read.devices.length;
  }
  expect(seen).toBe(devices.length);
  const records = await recordsOf(log, 'fieldgate.alert-checkpoints.v1');
  for (const { key, partition } of records.filter((record) => record.key.startsWith('~')))
    expect(key).toMatch(new RegExp(`^~(telemetry|events)/${partition}(/ticks)?$`));
});

it('a device of which nothing is remembered has no row', async () => {
  const log = createMemoryLog();
  await log.start();
  const checkpoints = new AlertCheckpoints(log, clock, logger);
  const device = { deviceId: 'pump-7', nextOffset: 5, pending: [] };
  await checkpoints.writeDevices(telemetry(0), [{ ...device, memory: 1 }]);
  await checkpoints.writeDevices(telemetry(0), [{ ...device, memory: undefined }]);
  expect((await checkpoints.read(telemetry(0))).devices).toEqual([]);
  expect((await recordsOf(log, 'fieldgate.alert-checkpoints.v1')).at(-1)?.value).toBeNull();
});
