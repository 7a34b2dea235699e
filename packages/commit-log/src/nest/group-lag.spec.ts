import { expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { appended } from '../log-writer.js';
import { createMemoryLog } from '../testing/memory-log.js';
import { GroupLag } from './group-lag.js';

async function shown(): Promise<number | undefined> {
  const metric = await register.getSingleMetric('fieldgate_consumer_group_lag_records')?.get();
  return metric?.values.find(({ labels }) => labels['group'] === 'fieldgate.slow')?.value;
}

it('the lag of a group is on /metrics', async () => {
  const log = createMemoryLog();
  await log.start();
  const lag = new GroupLag(log.reader, 'fieldgate.slow', ['fieldgate.telemetry.v1']);
  lag.start();
  for (const key of ['a', 'b', 'c']) {
    await appended(log.writer, { topic: 'fieldgate.telemetry.v1', key, value: Buffer.from('{}') });
  }
  expect(await shown()).toBe(3);
  lag.stop();
});
