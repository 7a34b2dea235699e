import { beforeEach, describe, expect, it } from '@jest/globals';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { decodeCommandStep, isRejection } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { batchOf, heldAssignment, recordsOf, step, writeStep } from '../testing/written.js';
import { WatchDeadlines } from './watch-deadlines.js';

let log: MemoryLog;
let now: number;
let watch: WatchDeadlines;
const logger = createLogger({ level: 'silent' });

beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  now = 1_000;
  watch = new WatchDeadlines(log, { now: () => now }, logger);
});

async function steps(): Promise<string[]> {
  const records = await recordsOf(log, 'fieldgate.commands.v1');
  return records.map(({ value }) => {
    const read = decodeCommandStep(value ?? new Uint8Array());
    return isRejection(read) ? read.code : read.step;
  });
}

describe('the time of a command', () => {
  it('is up when it was not sent within its ttl', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1'));
    now = 5_999;
    await watch.due();
    expect(await steps()).toEqual(['requested']);
    now = 6_000;
    await watch.due();
    expect(await steps()).toEqual(['requested', 'expired']);
  });

  it('is up when it was not answered within its timeout, counted from delivery', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    await writeStep(log, step('sent', { at: 2_000 }));
    await writeStep(log, step('delivered', { at: 3_000 }));
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1'));
    now = 12_999;
    await watch.due();
    expect(await steps()).toHaveLength(3);
    now = 13_000;
    await watch.due();
    await watch.due();
    expect(await steps()).toEqual(['requested', 'sent', 'delivered', 'timed-out']);
  });

  it('is never up for an answered command', async () => {
    for (const kind of ['requested', 'sent', 'succeeded'] as const) await writeStep(log, step(kind));
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1'));
    now = 1_000_000;
    await watch.due();
    expect(await steps()).toHaveLength(3);
  });

  it('goes on after a restart, from the log alone', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    const restarted = new WatchDeadlines(log, { now: () => now }, logger);
    await restarted.follow({ ...(await batchOf(log, 'fieldgate.commands.v1', 1)), from: 1 });
    now = 6_000;
    await restarted.due();
    expect(await steps()).toEqual(['requested', 'expired']);
  });

  it('is somebody else’s matter when the partition has moved', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    const assignment = heldAssignment('fieldgate.commands.v1');
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1', 0, assignment));
    assignment.lose();
    now = 6_000;
    await watch.due();
    expect(await steps()).toEqual(['requested']);
  });

  it('is up a second time for the device, when `sent` came before an `expired` that was written too late', async () => {
    const assignment = heldAssignment('fieldgate.commands.v1');
    await writeStep(log, step('requested', { at: 1_000 }));
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1', 0, assignment));
    await writeStep(log, step('sent', { at: 5_999 })); // not read yet
    now = 6_000;
    await watch.due();
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1', 1, assignment));
    now = 15_999;
    await watch.due();
    await watch.due();
    expect(await steps()).toEqual(['requested', 'sent', 'expired', 'timed-out']);
  });

  it('is written again by a member that has got its partition back', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    const first = heldAssignment('fieldgate.commands.v1');
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1', 0, first));
    now = 6_000;
    await watch.due();
    first.lose();
    await watch.due();
    const onlyRequest = { ...(await batchOf(log, 'fieldgate.commands.v1', 1)), records: [], from: 1 };
    await watch.follow(onlyRequest);
    await watch.due();
    expect(await steps()).toEqual(['requested', 'expired', 'expired']);
  });

  it('is noticed again when the log was away', async () => {
    await writeStep(log, step('requested', { at: 1_000 }));
    await watch.follow(await batchOf(log, 'fieldgate.commands.v1'));
    now = 6_000;
    log.goAway();
    await watch.due();
    log.comeBack();
    await watch.due();
    expect(await steps()).toEqual(['requested', 'expired']);
  });
});
