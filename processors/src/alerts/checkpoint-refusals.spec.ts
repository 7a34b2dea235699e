import { expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { register } from 'prom-client';
import { refusingRowsOf } from '../testing/refusing-rows.js';
import { WatchedLog } from '../testing/watched-log.js';
import { CheckpointRefusals } from './checkpoint-refusals.js';

const RULES = 'version: 1\nrules: [{ name: high, metric: n, threshold: { above: 80 } }]\n';
const OTHER = RULES.replace('above: 80', 'above: 70');

async function refused(): Promise<number> {
  const metric = await register.getSingleMetric('fieldgate_alerts_checkpoints_refused_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

it('while the log refuses a checkpoint alerts are told, tries are counted, and other rules wait for it', async () => {
  const world = await new WatchedLog({ checkpointRecords: 2 }).start(RULES);
  await world.register('pump-7');
  const refusing = { is: true, refusals: 0 };
  await world.restart(refusingRowsOf(world.log, 'pump-7/', refusing));
  const before = await refused();
  for (const value of [20, 90, 20, 20]) {
    world.now += 1_000;
    await world.reading('pump-7', value);
    await world.follow();
  }
  expect(await world.steps()).toEqual(['pump-7 high raised', 'pump-7 high cleared']);
  expect(refusing.refusals).toBe(2); // when one is due, and not with each batch
  expect(await refused()).toBe(before + 2);

  world.useRules(OTHER);
  world.now += 1_000;
  await world.reading('pump-7', 75);
  await expect(world.follow()).rejects.toMatchObject({ code: 'log-unavailable', retriable: true });
  expect(await world.steps()).toHaveLength(2);
  refusing.is = false;
  await world.follow();
  expect((await world.steps()).slice(2)).toEqual(['pump-7 high raised']);
  await world.stop();
});

it('a kill while checkpoints are put off loses no alert, and tells none a second time', async () => {
  const values = [20, 90, 20, 20, 90, 20];
  for (let killed = 1; killed < values.length; killed += 1) {
    const world = await new WatchedLog({ checkpointRecords: 2, settleMs: 60_000 }).start(RULES);
    await world.register('pump-7');
    await world.restart(refusingRowsOf(world.log, 'pump-7/', { is: true, refusals: 0 }));
    for (const [index, value] of values.entries()) {
      world.now += 1_000;
      await world.reading('pump-7', value);
      await world.follow();
      if (index === killed) await world.restart();
    }
    expect((await world.steps()).map((step) => step.split(' ')[2])).toEqual([
      'raised',
      'cleared',
      'raised',
      'cleared',
    ]);
    await world.stop();
  }
});

it('a refusal is said once, and that it is over', async () => {
  const lines: unknown[] = [];
  const logger = createLogger({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  const source = { source: 'telemetry', topic: 'fieldgate.telemetry.v1', partition: 3 } as const;
  const refusals = new CheckpointRefusals(source, logger);
  const write = (error?: FieldgateError) => async (): Promise<void> => {
    if (error) throw error;
  };
  const isRefused: boolean[] = [];
  for (const error of [undefined, new FieldgateError('record-refused', 'too large')])
    for (let time = 0; time < 2; time += 1) isRefused.push(await refusals.isRefused(write(error)));
  expect(isRefused).toEqual([false, false, true, true]);
  await expect(refusals.isRefused(write(new FieldgateError('log-unavailable')))).rejects.toThrow(
    FieldgateError,
  );
  refusals.isOver();
  refusals.isOver();
  expect(lines).toMatchObject([
    {
      level: 50,
      topic: 'fieldgate.telemetry.v1',
      partition: 3,
      reason: 'too large',
      msg: 'alert checkpoint refused by the log',
    },
    { level: 30, msg: 'alert checkpoint written again' },
  ]);
});
