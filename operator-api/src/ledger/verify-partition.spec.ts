import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { expect, it } from '@jest/globals';
import { verifyPartition, type VerifySources } from './verify-partition.js';

const TOPIC = 'fieldgate.telemetry.v1';

it.each([
  ['of all devices', undefined, { suspects: 1_000, offset: 1_000 }],
  ['of a device that has none of them', 'pump-8', { suspects: 0, offset: 24 * 41 }],
])('holds some megabytes of large records %s', async (_, deviceId, found) => {
  const value = new Uint8Array(100 * 1024); // not one of ours: a suspect
  const reader = {
    async *read(topic: typeof TOPIC, { from, to }: { from: number; to: number }): AsyncIterable<LogRecord> {
      for (let offset = from; offset < to; offset += 1)
        yield { topic, partition: 0, offset, key: 'pump-7', timestampMs: 1_000, value };
    },
  };
  const sources = { reader: reader as unknown as LogReader, store: { missing: async () => [] } };
  const bounds = { partition: 0, earliest: 0, end: 1_000 };
  const part = { topic: TOPIC, bounds, committed: 1_000, deviceId, fromMs: 0, toMs: 2_000 } as const;
  let suspects = 0;
  let offset = 0;
  // nothing else is asked
  for await (const checked of verifyPartition(sources as unknown as VerifySources, part)) {
    expect(checked.next.offset - offset).toBeLessThanOrEqual(41);
    offset = checked.next.offset;
    suspects += checked.suspects.length;
  }
  expect({ suspects, offset }).toEqual(found);
});
