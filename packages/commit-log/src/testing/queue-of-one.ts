import { PartitionQueue } from '../kafka/writing/partition-queue.js';

/** With one record in it, of nobody who asks for its outcome. */
export function queueOfOne(): PartitionQueue {
  const queue = new PartitionQueue('fieldgate.telemetry.v1', 0);
  queue.push({
    waiting: 'patient',
    partition: 0,
    record: { topic: 'fieldgate.telemetry.v1', key: 'a', value: null },
    key: Buffer.from('a'),
    value: null,
    timestampMs: 0,
    bytes: 1,
    tick: 0,
    settle: () => undefined,
  });
  return queue;
}
