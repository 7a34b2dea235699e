import { expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';
import { register } from 'prom-client';
import type { Follow, LogReader } from '../log-reader.js';
import { FollowLag } from './follow-lag.js';

/** Two tables of one topic with one partition; `end` of the log undefined: it is away. */
function given() {
  const log: { end: number | undefined; follows: Follow[] } = { end: 40, follows: [] };
  const follow = (at: number) => {
    const one = { topic: 'fieldgate.devices.v1', at, nextOffset: (): number => one.at } as const;
    log.follows.push(one);
    return one as { at: number };
  };
  const reader = {
    follows: () => log.follows,
    bounds: async () => {
      if (log.end === undefined) throw new FieldgateError('log-unavailable', 'the log is away');
      return [{ partition: 0, earliest: 0, end: log.end }];
    },
  } as unknown as LogReader; // all that is asked of it
  const said: string[] = [];
  const say = (first: unknown, second?: unknown): number => said.push(String(second ?? first));
  const clock = { at: 0, now: () => clock.at };
  const lag = new FollowLag(reader, clock, { warn: say, info: say } as unknown as Logger);
  const lookAt = async (seconds: number): Promise<string | undefined> => {
    clock.at = seconds * 1_000;
    await lag.look();
    return lag.problem();
  };
  return { log, follow, lookAt, said };
}

async function shown(name = 'lag_records'): Promise<number | undefined> {
  const metric = await register.getSingleMetric(`fieldgate_log_follow_${name}`)?.get();
  return metric?.values.find(({ labels }) => labels['topic'] === 'fieldgate.devices.v1')?.value;
}

it('what stands still behind the end of the log for 30 s is said, and that it goes on', async () => {
  const { follow, lookAt, said } = given();
  const table = follow(12);
  follow(40);
  expect(await lookAt(0)).toBeUndefined();
  expect(await shown()).toBe(28);
  expect(await lookAt(29)).toBeUndefined();
  expect(await lookAt(30)).toBe(
    'fieldgate.devices.v1: what is in memory has not come nearer to the end of the log for 30 s',
  );
  expect(await shown('standstill_seconds')).toBe(30);
  expect(said).toEqual(['what is kept in memory of the log stands still']);
  table.at = 13;
  expect(await lookAt(40)).toBeUndefined();
  expect(said).toHaveLength(2);
  expect([await shown(), await shown('standstill_seconds')]).toEqual([27, 0]);
});

it('what stands still goes on standing still when the log did not tell its ends in between, and nothing says otherwise', async () => {
  const { log, follow, lookAt, said } = given();
  const table = follow(12);
  await lookAt(0);
  expect(await lookAt(40)).toMatch('for 40 s');
  log.end = undefined;
  expect(await lookAt(100)).toBeUndefined(); // the log itself is said to be away
  expect(await shown('standstill_seconds')).toBe(0);
  log.end = 40;
  expect(await lookAt(110)).toMatch('for 50 s');
  expect(said).toEqual(['what is kept in memory of the log stands still']);
  table.at = 40;
  await lookAt(120);
  expect(said[1]).toBe('what is kept in memory of the log goes on');
});

it('what is behind and comes nearer is well, however long it takes', async () => {
  const { follow, lookAt } = given();
  const table = follow(0);
  for (let seconds = 0; seconds < 300; seconds += 10) {
    table.at += 1;
    expect(await lookAt(seconds)).toBeUndefined();
  }
});

it('what has nothing to read does not stand still', async () => {
  const { log, follow, lookAt } = given();
  follow(40);
  for (const seconds of [0, 100, 200]) expect(await lookAt(seconds)).toBeUndefined();
  log.end = 41; // only now
  expect(await lookAt(210)).toBeUndefined();
  expect(await lookAt(241)).toMatch('for 31 s');
});

it('a log that does not tell its ends has the benefit of the doubt, and so has what is stopped', async () => {
  const { log, follow, lookAt } = given();
  follow(12);
  await lookAt(0);
  log.end = undefined;
  expect(await lookAt(30)).toBeUndefined();
  expect(await shown()).toBe(28);
  log.end = 40;
  expect(await lookAt(40)).toBeUndefined(); // for 10 s as far as anybody knows
  log.follows = [];
  expect(await lookAt(100)).toBeUndefined();
  expect(await shown()).toBeUndefined();
});
