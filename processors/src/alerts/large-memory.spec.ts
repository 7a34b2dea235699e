import { expect, it } from '@jest/globals';
import type { CommitLog } from '@fieldgate/commit-log';
import { FieldgateError } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { recordsOf } from '../testing/written.js';
import { takingOnly, WatchedLog } from '../testing/watched-log.js';
import { AlertCheckpoints } from './alert-checkpoints.js';

/** Each rule waits with every reading of three hours: a device that flushes them has all of them remembered at once. */
const RULES = `
version: 1
lateness: 3h
rules:
  - { name: high, metric: n, threshold: { above: 80, clearBelow: 70 } }
  - { name: long, metric: n, threshold: { above: 80, for: 20s } }
  - { name: heats-up, metric: n, rate: { above: 20, per: 10s, over: 10s } }
  - { name: silent, metric: n, absence: { after: 60s } }
  - { name: flaps, metric: n, flapping: { changes: 30, within: 1m } }
`;
const TOPICS = ['fieldgate.telemetry.v1'] as const;
const TELEMETRY = { source: 'telemetry', topic: TOPICS[0], partition: 0 } as const;
const LATER_MS = 4 * 3_600_000;

/** A device was away, and has sent nothing of it yet but into the log: spikes, one of them a long one, and two silent minutes. */
async function withBacklog(readings: number): Promise<WatchedLog> {
  const world = await new WatchedLog({ checkpointRecords: readings / 2 }).start(RULES);
  await world.register('pump-7');
  world.now += readings * 1_000;
  let noise = 7;
  for (let at = 0; at < readings; at += 1) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
    const isSpike = at % 900 === 450 || (at > 1_000 && at < 1_030);
    const ago = (readings - at) * 1_000 + (at < readings / 2 ? 120_000 : 0);
    await world.reading('pump-7', (isSpike ? 90 : 20) + noise / 2 ** 31, ago);
  }
  return world;
}

/** The device goes on, and shows that nothing older is to come. */
async function story(world: WatchedLog): Promise<string[]> {
  for (let later = 0; later < 3; later += 1) {
    world.now += LATER_MS;
    await world.reading('pump-7', 20);
    await world.follow({ topics: TOPICS });
  }
  await world.stop();
  return (await world.stepRecords()).map(({ id }) => id).toSorted();
}

async function follow(world: WatchedLog, way?: CommitLog): Promise<void> {
  await world.restart(way);
  await world.follow({ topics: TOPICS }).catch((error: unknown) => {
    if (!(error instanceof FieldgateError) || !error.retriable) throw error;
  });
}

it('a backlog of 10,000 readings in one batch is in the checkpoint, and a recovery from it tells the same', async () => {
  const reference = await withBacklog(10_000);
  await follow(reference);
  const expected = await story(reference);
  expect(new Set((await reference.steps()).map((step) => step.split(' ')[1]))).toEqual(
    new Set(['high', 'long', 'heats-up', 'silent', 'flaps']),
  );

  const world = await withBacklog(10_000);
  await follow(world);
  const logger = createLogger({ level: 'silent' });
  const checkpoint = await new AlertCheckpoints(world.log, { now: () => 0 }, logger).read(TELEMETRY);
  expect(checkpoint.partition?.nextOffset).toBe(10_000);
  expect(checkpoint.devices.map(({ nextOffset }) => nextOffset)).toEqual([10_000]);
  expect(JSON.stringify(checkpoint.devices).length).toBeGreaterThan(4 * 1024 * 1024);
  await world.restart();
  expect(await story(world)).toEqual(expected);
}, 60_000);

it('a kill at any record of such a checkpoint loses no alert, and tells none a second time', async () => {
  const readings = 4_000;
  const reference = await withBacklog(readings);
  await follow(reference);
  const expected = await story(reference);
  expect(expected.length).toBeGreaterThan(10);
  for (let count = 0; ; count += 1) {
    const world = await withBacklog(readings);
    const cut = takingOnly(world.log, count);
    await follow(world, cut);
    const keys = (await recordsOf(world.log, 'fieldgate.alert-checkpoints.v1')).map(({ key }) => key);
    await follow(world);
    expect({ count, story: await story(world) }).toEqual({ count, story: expected });
    if (cut.isCut) continue;
    expect(keys.filter((key) => key.includes('/piece/')).length).toBeGreaterThan(0);
    return;
  }
}, 120_000);
