import { expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { pino } from 'pino';
import { register } from 'prom-client';
import { reportExpired } from './expired-records.js';

const METRIC = 'fieldgate_consumer_group_expired_records_total';
const range = { group: 'fieldgate.storage', partition: 3, from: 40, earliest: 100 } as const;

function report(topic: LogTopic): string[] {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  reportExpired(logger, { ...range, topic });
  return lines;
}

it('counts what a group has missed, and says where', async () => {
  const [line = ''] = report('fieldgate.telemetry.v1');
  expect(JSON.parse(line)).toMatchObject({
    ...range,
    topic: 'fieldgate.telemetry.v1',
    msg: 'records expired before the group had read them',
  });
  expect((await register.getSingleMetric(METRIC)?.get())?.values).toEqual([
    { value: 60, labels: { group: 'fieldgate.storage', topic: 'fieldgate.telemetry.v1' } },
  ]);
});

it('misses nothing where records went because newer ones are there', async () => {
  expect(report('fieldgate.devices.v1')).toEqual([]);
  expect((await register.getSingleMetric(METRIC)?.get())?.values).not.toContainEqual(
    expect.objectContaining({ labels: expect.objectContaining({ topic: 'fieldgate.devices.v1' }) }),
  );
});
