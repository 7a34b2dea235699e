import { describe, expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { AlertCheckpoints } from './alert-checkpoints.js';
import { refusingRowsOf } from '../testing/refusing-rows.js';
import { takingOnly, WatchedLog } from '../testing/watched-log.js';

const SILENT = createLogger({ level: 'silent' });
const RULES = `
version: 1
lateness: LATENESS
rules:
  - { name: high, metric: n, threshold: { above: 80, clearBelow: 70 } }
  - { name: long, metric: n, threshold: { above: 50, for: 30s } }
  - { name: heats-up, metric: n, rate: { above: 20, per: 10s, over: 10s } }
  - { name: silent, metric: n, absence: { after: 60s } }
  - { name: flaps, event: door, flapping: { changes: 3, within: 1m } }
`;

type Act = (world: WatchedLog) => Promise<unknown>;

/** Two devices for some minutes: every kind of alert is raised and cleared, one device falls silent and comes back, the rules change. */
function history(rules: string): { write: Act[]; handle: Act }[] {
  const acts: { write: Act[]; handle: Act }[] = [];
  const follow: Act = (world) => world.follow();
  const tick: Act = (world) => world.watch.due();
  const values = [20, 20, 90, 95, 60, 60, 60, 60, 40, 40, 85, 30, 20, 20];
  for (const [index, value] of values.entries()) {
    const write: Act[] = [async (world) => (world.now += 10_000), (world) => world.reading('pump-7', value)];
    if (index === 1 || index === 7) write.push((world) => world.reading('pump-7', 55, 0, 86_400_000)); // by a gateway whose clock is a day ahead
    if (index < 3 || index > 11) write.push((world) => world.reading('pump-8', 30));
    if (index < 6)
      write.push((world) => world.event('pump-7', 'door', index % 2 === 0 ? 'raised' : 'cleared'));
    if (index === 4) write.push((world) => world.event('pump-7', 'door', 'raised', 'critical'));
    acts.push({ write, handle: follow }, { write: [], handle: tick });
  }
  // while `high` is open
  acts.splice(8, 0, {
    write: [async (world) => world.useRules(rules.replace('name: high', 'name: higher'))],
    handle: tick,
  });
  for (let quiet = 0; quiet < 12; quiet += 1)
    acts.push({ write: [async (world) => (world.now += 6_000)], handle: tick });
  return acts;
}

async function begun(rules: string, checkpointRecords = 4): Promise<WatchedLog> {
  const world = await new WatchedLog({ checkpointRecords }).start(rules);
  await world.register('pump-7');
  await world.register('pump-8');
  return world;
}

async function outcome(world: WatchedLog): Promise<unknown> {
  for (let settling = 0; settling < 4; settling += 1) await world.tick(6_000); // also when the last thing was a start
  await world.stop();
  return {
    steps: (await world.stepRecords()).map(({ id }) => id).toSorted(),
    rows: [...(await world.rows()).keys()].toSorted(),
  };
}

async function expected(rules: string): Promise<unknown> {
  const world = await begun(rules);
  for (const { write, handle } of history(rules)) {
    for (const act of write) await act(world);
    await handle(world);
  }
  return outcome(world);
}

it('the history raises and clears every kind', async () => {
  const rules = RULES.replace('LATENESS', '0s');
  const world = await begun(rules);
  for (const { write, handle } of history(rules)) {
    for (const act of write) await act(world);
    await handle(world);
  }
  expect([...new Set(await world.steps())].toSorted()).toEqual([
    'pump-7 event.door cleared',
    'pump-7 event.door escalated',
    'pump-7 event.door raised',
    'pump-7 flaps cleared',
    'pump-7 flaps raised',
    'pump-7 heats-up cleared',
    'pump-7 heats-up raised',
    'pump-7 high cleared',
    'pump-7 high raised',
    'pump-7 higher cleared',
    'pump-7 higher raised',
    'pump-7 long cleared',
    'pump-7 long raised',
    'pump-7 silent raised',
    'pump-8 silent cleared',
    'pump-8 silent raised',
  ]);
  await world.stop();
});

/** With a lateness, readings wait until time has passed, and time that passes without a record judges them. */
describe.each([
  ['0s', 4],
  ['15s', 1_000],
])('with a lateness of %s and a checkpoint after %i records', (lateness, checkpointRecords) => {
  const rules = RULES.replace('LATENESS', lateness);

  it.each([false, true])(
    'a kill after any batch changes nothing, offsets lost: %s',
    async (lost) => {
      const reference = await expected(rules);
      const acts = history(rules);
      for (let cut = 0; cut < acts.length; cut += 1) {
        const world = await begun(rules, checkpointRecords);
        for (const [index, { write, handle }] of acts.entries()) {
          for (const act of write) await act(world);
          if (index === cut && lost) await world.follow({ lost });
          else await handle(world);
          if (index !== cut) continue;
          await world.restart();
          await world.follow();
        }
        expect({ cut, outcome: await outcome(world) }).toEqual({ cut, outcome: reference });
      }
    },
    30_000,
  ); // one run of the history for each batch

  it('a kill after any record that the group writes changes nothing', async () => {
    const reference = await expected(rules);
    for (let count = 0; ; count += 1) {
      const world = await begun(rules, checkpointRecords);
      const cut = takingOnly(world.log, count);
      await world.restart(cut);
      let isKilled = false;
      for (const { write, handle } of history(rules)) {
        for (const act of write) await act(world);
        await handle(world).catch(onlyOutage);
        if (isKilled || !cut.isCut) continue;
        isKilled = true;
        await world.restart();
        await world.follow();
      }
      if (!isKilled) {
        expect(count).toBeGreaterThan(30);
        return world.stop();
      }
      expect({ count, outcome: await outcome(world) }).toEqual({ count, outcome: reference });
    }
  }, 60_000); // one run of the history for each record
});

function onlyOutage(error: unknown): void {
  if (!(error instanceof FieldgateError) || !error.retriable) throw error;
}

it('a kill in the middle of a checkpoint: the memory of a device is newer than that of its partition', async () => {
  const rules = 'version: 1\nrules: [{ name: long, metric: n, threshold: { above: 80, for: 400s } }]\n';
  const world = await new WatchedLog({ checkpointRecords: 30 }).start(rules);
  await world.register('pump-7');
  const start = world.now;
  const topics = ['fieldgate.telemetry.v1'] as const;
  const cut = takingOnly(world.log, 2); // the partition at the start, and the device
  await world.restart(cut);
  for (let count = 0; count < 45; count += 1) {
    world.now = start + count * 10_000;
    await world.reading('pump-7', 90);
    await world.follow({ topics }).catch(onlyOutage);
    if (count === 29) {
      expect(cut.isCut).toBe(true);
      await world.restart();
    }
  }
  expect((await world.alertOf('pump-7', 'long'))?.raisedAt).toBe(start + 400_000);
  await world.stop();
});

it('a topic that was made anew: what a silent device had in the one before is forgotten for good', async () => {
  const rules = 'version: 1\nrules: [{ name: long, metric: n, threshold: { above: 80, for: 400s } }]\n';
  const world = await new WatchedLog({ checkpointRecords: 4 }).start(rules);
  const topics = ['fieldgate.telemetry.v1'] as const;
  const readings = async (device: string, count: number): Promise<void> => {
    for (let each = 0; each < count; each += 1) {
      world.now += 10_000;
      await world.reading(device, 90);
      await world.follow({ topics });
    }
  };
  await world.register('pump-7');
  await world.register('pump-8');
  await readings('pump-7', 20);
  await world.reading('pump-7', 90, 0, 86_400_000); // by a gateway whose clock is a day ahead
  await readings('pump-7', 1);
  const passed = async (): Promise<number> => {
    const checkpoints = new AlertCheckpoints(world.log, { now: () => world.now }, SILENT);
    const source = { source: 'telemetry', topic: topics[0], partition: 0 } as const;
    const { ticks, doubts } = await checkpoints.read(source);
    return ticks.length + doubts.length;
  };
  expect(await passed()).toBe(1);
  world.makeAnew('fieldgate.telemetry.v1');
  await world.restart();
  await readings('pump-8', 30);
  expect(await passed()).toBe(0);
  await world.restart();
  await readings('pump-7', 2);
  expect(await world.steps()).toEqual([]);
  await world.stop();
});

it('a topic that was made anew, and is longer by now than the one before, is judged from its beginning', async () => {
  const rules = 'version: 1\nrules: [{ name: high, metric: n, threshold: { above: 80 } }]\n';
  const world = await new WatchedLog({ checkpointRecords: 4 }).start(rules);
  const topics = ['fieldgate.telemetry.v1'] as const;
  await world.register('pump-7');
  for (let each = 0; each < 8; each += 1) {
    await world.reading('pump-7', 10);
    await world.follow({ topics });
  }
  world.makeAnew(topics[0], true);
  await world.reading('pump-7', 90);
  for (let each = 0; each < 20; each += 1) await world.reading('pump-7', 10);
  await world.restart();
  await world.follow({ topics });
  expect((await world.steps()).length).toBeGreaterThan(0);
  await world.stop();
});

/** A backlog of ten minutes that comes as one batch, with one spike at its end; the group may write so many records of it. */
async function afterBacklog(writes: number): Promise<{ isKilled: boolean; ids: string[] }> {
  const rules = 'version: 1\nrules: [{ name: high, metric: n, threshold: { above: 80 } }]\n';
  const topics = ['fieldgate.telemetry.v1'] as const;
  const world = await new WatchedLog({ checkpointRecords: 30 }).start(rules);
  await world.register('pump-7');
  for (let count = 0; count < 60; count += 1) {
    world.now += 10_000;
    await world.reading('pump-7', count === 50 ? 95 : 20);
  }
  const cut = takingOnly(world.log, writes);
  await world.restart(cut);
  await world.follow({ topics }).catch(onlyOutage);
  await world.restart();
  await world.follow({ topics });
  world.now += 10_000;
  await world.reading('pump-7', 20);
  await world.follow({ topics });
  await world.stop();
  return { isKilled: cut.isCut, ids: (await world.stepRecords()).map(({ id }) => id) };
}

it('a kill at any write while a backlog is judged tells nothing a second time', async () => {
  const { ids } = await afterBacklog(1_000);
  expect(ids).toHaveLength(2);
  for (let writes = 0; ; writes += 1) {
    const cut = await afterBacklog(writes);
    expect({ writes, ids: cut.ids }).toEqual({ writes, ids });
    if (cut.isKilled) continue;
    return expect(writes).toBeGreaterThan(4);
  }
});

it('a log that refuses checkpoints for a while puts them off, holds up what needs one, and changes nothing', async () => {
  const rules = RULES.replace('LATENESS', '15s');
  const reference = await expected(rules);
  const acts = history(rules);
  for (const isKilled of [false, true]) {
    const world = await begun(rules);
    const refusing = { is: false, refusals: 0 };
    await world.restart(refusingRowsOf(world.log, 'pump-7/', refusing));
    let heldUp = 0;
    for (const [index, { write, handle }] of acts.entries()) {
      if (index === 4) refusing.is = true;
      if (index === Math.floor(acts.length / 2)) {
        refusing.is = false;
        if (isKilled) await world.restart();
        await world.follow();
      }
      for (const act of write) await act(world);
      await handle(world).catch((error: unknown) => {
        onlyOutage(error);
        heldUp += 1;
      });
    }
    expect(refusing.refusals).toBeGreaterThan(1); // tried again
    expect(heldUp).toBeGreaterThan(1); // by the other rules
    expect({ isKilled, outcome: await outcome(world) }).toEqual({ isKilled, outcome: reference });
  }
});
