import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { register } from 'prom-client';
import { takingOnly, WatchedLog } from '../testing/watched-log.js';

const RULES = `
version: 1
rules:
  - { name: high, metric: n, severity: critical, threshold: { above: 80 } }
  - { name: silent, metric: n, absence: { after: 5s } }
`;

/** What is written first of all after a start: of the one partition that comes to it. */
const CHECKPOINTS = 1;

let world: WatchedLog;

beforeEach(async () => {
  world = await new WatchedLog({ settleMs: 2_000 }).start(RULES);
  await world.register('pump-7');
});
afterEach(() => world.stop());

/** Ticks in small steps, so that no timer seems to have stalled. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) await world.tick(500);
}

describe('a reading beyond the limit', () => {
  it('becomes a step and a row, and the row goes with the next good one', async () => {
    await world.reading('pump-7', 90);
    await world.follow();
    expect(await world.steps()).toEqual(['pump-7 high raised']);
    expect((await world.rows()).get('pump-7/high')).toMatchObject({
      kind: 'open',
      alert: { deviceId: 'pump-7', rule: 'high', severity: 'critical', value: 90 },
    });
    world.now += 1_000;
    await world.reading('pump-7', 20);
    await world.follow();
    expect(await world.steps()).toEqual(['pump-7 high raised', 'pump-7 high cleared']);
    expect([...(await world.rows()).keys()]).toEqual([]);
  });

  it('is told once although its batch comes again', async () => {
    await world.reading('pump-7', 90);
    await world.follow({ lost: true });
    await world.follow();
    expect(await world.steps()).toEqual(['pump-7 high raised']);
  });

  it.each([0, 1])(
    'is told after an outage that began after %i of the records of the alert',
    async (taken) => {
      await world.restart(takingOnly(world.log, CHECKPOINTS + taken));
      await world.reading('pump-7', 90);
      await expect(world.follow()).rejects.toThrow(FieldgateError);
      expect(await world.steps()).toHaveLength(taken);
      await world.restart();
      await world.follow();
      expect(await world.steps()).toEqual(['pump-7 high raised']);
      expect([...(await world.rows()).keys()]).toEqual(['pump-7/high']);
    },
  );

  it('is told by the same process when the log has come back', async () => {
    await world.follow();
    await world.reading('pump-7', 90);
    world.log.goAway();
    await expect(world.follow()).rejects.toThrow('the log is away');
    world.log.comeBack();
    await world.follow();
    expect(await world.steps()).toEqual(['pump-7 high raised']);
  });
});

it('a condition of a device that becomes worse is a step of its own, each time', async () => {
  for (const severity of ['info', 'warning', 'critical', 'warning'] as const) {
    world.now += 1_000;
    await world.event('pump-7', 'leak', 'raised', severity);
    await world.follow();
  }
  const steps = await world.stepRecords();
  const id = steps[0]?.step.alert.id ?? '';
  expect(steps.map((step) => step.id)).toEqual([
    `${id}~raised`,
    `${id}~escalated~warning`,
    `${id}~escalated~critical`,
  ]);
  expect((await world.rows()).get('pump-7/event.leak')).toMatchObject({
    alert: { id, severity: 'critical', escalatedAt: world.now - 1_000 },
  });
});

describe('silence', () => {
  it('counts from the last reading, and is told once', async () => {
    await world.reading('pump-7', 20);
    const last = world.now;
    await world.follow();
    await pass(9_000);
    expect(await world.steps()).toEqual(['pump-7 silent raised']);
    expect((await world.alertOf('pump-7', 'silent'))?.raisedAt).toBe(last + 5_000);
    await world.restart();
    await world.follow();
    await pass(9_000);
    expect(await world.steps()).toEqual(['pump-7 silent raised']);
  });

  it('is not noticed while devices have time to come back after a start, by no reading of others either', async () => {
    await world.register('pump-8');
    await world.reading('pump-7', 20);
    await world.follow();
    world.now += 4_000;
    await world.restart();
    await world.follow();
    await pass(1_500);
    await world.reading('pump-8', 20);
    await world.follow();
    await pass(500);
    expect(await world.steps()).toEqual([]);
    await world.reading('pump-7', 20, 2_000); // of before it was let in again
    await world.follow();
    await pass(4_000);
    expect(await world.steps()).toEqual([]);
  });

  it('is not made by a gateway whose clock is ahead, and is noticed also of its devices', async () => {
    const ahead = async (): Promise<number | undefined> =>
      (await register.getSingleMetric('fieldgate_alerts_arrivals_ahead_total')?.get())?.values[0]?.value;
    const before = (await ahead()) ?? 0;
    await world.register('pump-8');
    await world.follow();
    await pass(3_000);
    for (const aheadMs of [0, 4_000, 5_001, 86_400_000]) {
      await world.reading('pump-7', 20);
      await world.reading('pump-8', 20, 0, aheadMs);
      await world.follow();
      await world.tick(500);
    }
    const last = world.now - 500;
    expect(await world.steps()).toEqual([]);
    expect(await ahead()).toBe(before + 2);
    await world.restart();
    await world.follow();
    await pass(9_000);
    expect((await world.steps()).toSorted()).toEqual(['pump-7 silent raised', 'pump-8 silent raised']);
    for (const id of ['pump-7', 'pump-8'])
      expect((await world.alertOf(id, 'silent'))?.raisedAt).toBe(last + 5_000);
    expect(await ahead()).toBe(before + 2);
  });

  it('is noticed after that time as of the last reading', async () => {
    await world.reading('pump-7', 20);
    const last = world.now;
    await world.follow();
    await world.restart();
    await world.follow();
    await pass(12_000);
    expect((await world.alertOf('pump-7', 'silent'))?.raisedAt).toBe(last + 5_000);
  });

  it('is not noticed while the group is behind', async () => {
    await world.follow();
    await pass(3_000);
    await world.reading('pump-7', 20);
    await pass(30_000);
    expect(await world.steps()).toEqual([]);
  });

  it('starts anew for everyone with an outage of the log', async () => {
    await world.reading('pump-7', 20);
    await world.follow();
    await pass(4_000);
    world.log.goAway();
    await pass(60_000);
    world.log.comeBack();
    await pass(1_000);
    await world.reading('pump-7', 20, 61_000); // the oldest of what it could not send
    await world.follow();
    await pass(3_000);
    expect(await world.steps()).toEqual([]);
    await pass(4_000);
    expect(await world.steps()).toEqual(['pump-7 silent raised']);
  });

  it('ends with a reading after a restart that came right after it was told', async () => {
    await world.reading('pump-7', 20);
    await world.follow();
    await pass(9_000);
    await world.restart();
    await world.reading('pump-7', 20);
    await world.follow();
    expect(await world.steps()).toEqual(['pump-7 silent raised', 'pump-7 silent cleared']);
  });
});

it('silence that was told before a restart ends with what the device had stored', async () => {
  await world.reading('pump-7', 20);
  await world.follow();
  await pass(9_000);
  await world.restart();
  world.now += 100;
  await world.reading('pump-7', 20, 7_000);
  await world.follow();
  expect(await world.steps()).toEqual(['pump-7 silent raised', 'pump-7 silent cleared']);
});

it('readings that come again with their batch are not late', async () => {
  const before = await late();
  for (const value of [20, 21, 22]) {
    world.now += 1_000;
    await world.reading('pump-7', value);
  }
  await world.follow({ lost: true });
  await world.follow();
  expect(await late()).toBe(before);
  await world.reading('pump-7', 20, 2_500);
  await world.follow();
  expect(await late()).toBe(before + 1);
});

async function late(): Promise<number> {
  const metric = await register.getSingleMetric('fieldgate_alerts_late_readings_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

it('what is open is shown by severity, also after a restart', async () => {
  await world.reading('pump-7', 90);
  await world.follow();
  await world.tick(250);
  expect(await openCritical()).toBe(1);
  await world.restart();
  await world.follow();
  await world.tick(250);
  expect(await openCritical()).toBe(1);
  world.now += 1_000;
  await world.reading('pump-7', 20);
  await world.follow();
  await world.tick(250);
  expect(await openCritical()).toBe(0);
});

async function openCritical(): Promise<number | undefined> {
  const metric = await register.getSingleMetric('fieldgate_alerts_open')?.get();
  return metric?.values.find(({ labels }) => labels['severity'] === 'critical')?.value;
}

describe('a partition that has moved', () => {
  it('is somebody else’s matter', async () => {
    await world.reading('pump-7', 20);
    await world.follow();
    await pass(3_000);
    world.assignments['fieldgate.telemetry.v1'].lose();
    await pass(9_000);
    expect(await world.steps()).toEqual([]);
  });
});

describe('rules and registrations', () => {
  it('count from the next batch or tick on', async () => {
    await world.reading('pump-7', 90);
    await world.follow();
    world.useRules('version: 1\nrules: []\n');
    await world.tick(250);
    expect(await world.steps()).toEqual(['pump-7 high raised', 'pump-7 high cleared']);
    expect((await world.alertOf('pump-7', 'high'))?.clearReason).toBe('rule-removed');
  });

  it('clear what is open of a device that is removed, also while nobody watched', async () => {
    await world.reading('pump-7', 90);
    await world.follow();
    await world.remove('pump-7');
    await world.restart();
    await world.follow();
    expect((await world.alertOf('pump-7', 'high'))?.clearReason).toBe('device-deleted');
  });

  it('a device that never reports is silent since its registration', async () => {
    await world.follow();
    await pass(3_000);
    const registered = world.now;
    await world.register('pump-9');
    await pass(9_000);
    expect((await world.alertOf('pump-9', 'silent'))?.raisedAt).toBe(registered + 5_000);
  });
});

it('refuses what is no record, again when the batch comes again, and judges what stands beside it', async () => {
  await world.unreadable('fieldgate.telemetry.v1');
  await world.reading('pump-7', 90);
  const refused = [{ index: 0, code: 'record-unreadable' }];
  expect(await world.follow({ lost: true })).toMatchObject(refused);
  expect(await world.follow()).toMatchObject(refused);
  expect(await world.steps()).toEqual(['pump-7 high raised']);
});
