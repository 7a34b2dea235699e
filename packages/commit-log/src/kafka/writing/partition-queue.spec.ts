import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { PartitionQueue, type PendingRecord } from './partition-queue.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag exposes

const PENDING: Omit<PendingRecord, 'record'> = {
  waiting: 'timed',
  partition: 0,
  key: Buffer.from('k'),
  value: null,
  timestampMs: 0,
  bytes: 1,
  tick: 0,
  settle: () => undefined,
};

function push(queue: PartitionQueue): WeakRef<object> {
  const record = { topic: 'fieldgate.telemetry.v1', key: 'k', value: null } as const;
  queue.push({ ...PENDING, record });
  return new WeakRef(record);
}

it('does not keep what has left alive, although it is never empty', async () => {
  const queue = new PartitionQueue('fieldgate.telemetry.v1', 0);
  const pushed = [push(queue)];
  for (let n = 0; n < 1_000; n += 1) {
    pushed.push(push(queue));
    queue.take(1, 1_000);
    queue.leave();
  }
  await new Promise(setImmediate); // what was made in this turn lives until its end
  collect();
  expect(pushed.filter((each) => each.deref() !== undefined).length).toBeLessThan(100);
  expect(queue.isEmpty).toBe(false);
});
