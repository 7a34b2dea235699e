import { expect, it } from '@jest/globals';
import { MAX_CONDITIONS } from './conditions.js';
import { NO_RULES } from '../rules/rule.js';
import { eventAt, MINUTE, rulesOf, START, WatchRun } from '../testing/watch-kit.js';

function run(): WatchRun {
  return new WatchRun('events', NO_RULES);
}

it('makes an alert of what a device raises, until it clears it', () => {
  const told = run().feed(
    eventAt(0, 'door-open', 'raised', {
      arrivesMs: 7,
      details: { door: 3, note: 'left\n\u001b[31mopen', deep: { a: [1] } },
    }),
    eventAt(1, 'door-open', 'raised'),
    eventAt(2, 'door-open', 'info'),
  );
  expect(told.transitions).toEqual([
    {
      change: 'raised',
      alert: {
        id: `pump-1~event.door-open~${START}`,
        deviceId: 'pump-1',
        rule: 'event.door-open',
        kind: 'condition',
        severity: 'warning',
        text: 'pump-1: door-open (door: 3, note: left??[31mopen, deep: {"a":[1]})',
        event: 'door-open',
        since: START,
        raisedAt: START,
        receivedAt: START + 7,
      },
    },
  ]);
  told.feed(eventAt(5, 'door-open', 'cleared'));
  expect(told.story.at(-1)).toBe('cleared event.door-open 5');
  expect([...told.watch.openAlerts()]).toEqual([]);
});

it('is told when it gets worse, and not when it gets better', () => {
  const told = run().feed(
    eventAt(0, 'leak', 'raised'),
    eventAt(1, 'leak', 'raised', { severity: 'critical', details: { litres: 9 } }),
    eventAt(2, 'leak', 'raised', { severity: 'info' }),
  );
  expect(told.story).toEqual(['raised event.leak 0', 'escalated event.leak 0']);
  expect(told.last).toMatchObject({
    severity: 'critical',
    text: 'pump-1: leak (litres: 9)',
    escalatedAt: START + 1,
  });
  told.feed(eventAt(3, 'leak', 'cleared'));
  expect(told.last).toMatchObject({ severity: 'critical', clearedAt: START + 3 });
});

it('leaves out what is older than the newest of the type, what only informs, and connections', () => {
  const told = run().feed(
    eventAt(5, 'leak', 'cleared'),
    eventAt(4, 'leak', 'raised'),
    eventAt(6, 'hello', 'info'),
    eventAt(7, 'disconnected', 'raised'),
    eventAt(8, 'leak', 'raised', { deviceId: 'stranger' }),
  );
  expect(told.story).toEqual([]);
  expect(told.watch.lateReadings).toBe(1);
});

it('leaves out what is to be ignored, also what is open already', () => {
  const told = run().feed(eventAt(0, 'leak', 'raised'), eventAt(0, 'door-open', 'raised'));
  told
    .reload(rulesOf('  []', 'conditions: { ignore: [leak] }'))
    .feed(eventAt(1, 'leak', 'cleared'), eventAt(2, 'leak', 'raised'));
  expect(told.story).toEqual([
    'raised event.leak 0',
    'raised event.door-open 0',
    'cleared event.leak 0 rule-removed',
  ]);
});

it('follows a clock that was set back', () => {
  const told = run().feed(eventAt(0, 'leak', 'raised'));
  const back = -60 * MINUTE;
  for (let at = 1; at <= 4; at += 1)
    told.feed(eventAt(back + at * MINUTE, 'leak', 'cleared', { arrivesMs: at * MINUTE }));
  expect(told.watch.clockSteps).toBe(1);
  expect(told.story).toEqual(['raised event.leak 0', 'cleared event.leak 0']);
});

/** A leak that was cleared, and an hour later, the clock two hours back, one that is worse. */
function afterSetBack(): { told: WatchRun; at: (minutes: number) => { atMs: number; arrivesMs: number } } {
  const told = run().feed(eventAt(0, 'leak', 'raised'), eventAt(1 * MINUTE, 'leak', 'cleared'));
  const at = (minutes: number): { atMs: number; arrivesMs: number } => ({
    atMs: (minutes - 60) * MINUTE,
    arrivesMs: (minutes + 60) * MINUTE,
  });
  const { atMs, arrivesMs } = at(0);
  told.feed(eventAt(atMs, 'leak', 'raised', { arrivesMs, severity: 'critical' }));
  expect(told.story).toHaveLength(2);
  return { told, at };
}

it.each([
  ['the same once more', 'leak', 'raised', ['raised event.leak -3600000']],
  ['its end', 'leak', 'cleared', ['raised event.leak -3600000', 'cleared event.leak -3180000']],
  ['another one', 'door', 'raised', ['raised event.leak -3600000', 'raised event.door -3180000']],
] as const)('judges what seemed late when the next one shows that the clock was set back: %s', (...row) => {
  const [, event, state, expected] = row;
  const { told, at } = afterSetBack();
  const { atMs, arrivesMs } = at(7);
  told.restart().feed(eventAt(atMs, event, state, { arrivesMs: arrivesMs + 2_000 }));
  expect(told.story.slice(2)).toEqual(expected);
  expect(told.watch.clockSteps).toBe(1);
});

it('takes for late what comes after a while but does not go on like a clock, and what is followed by something newer', () => {
  const { told, at } = afterSetBack();
  const { atMs, arrivesMs } = at(7);
  told.feed(eventAt(atMs - 5 * MINUTE, 'leak', 'raised', { arrivesMs, severity: 'critical' }));
  expect(told.story).toHaveLength(2);
  const newer = afterSetBack();
  newer.told.feed(eventAt(61 * MINUTE, 'door', 'raised'));
  for (const minutes of [7, 14, 21]) {
    const { atMs: time, arrivesMs: arrival } = newer.at(minutes);
    newer.told.feed(eventAt(time, 'door', 'cleared', { arrivesMs: arrival }));
  }
  expect(newer.told.story.slice(2)).toEqual(['raised event.door 3660000', 'cleared event.door 3660000']);
});

it('keeps a limited number of what seems late, and nothing of what is to be ignored', () => {
  const told = run();
  for (let type = 0; type < 40; type += 1) told.feed(eventAt(100 * MINUTE, `type-${type}`, 'cleared'));
  for (let type = 0; type < 40; type += 1)
    told.feed(eventAt(0, `type-${type}`, 'raised', { arrivesMs: 101 * MINUTE }));
  told.reload(rulesOf('  []', 'conditions: { ignore: [type-39] }'));
  told.feed(eventAt(5 * MINUTE, 'type-0', 'cleared', { arrivesMs: 106 * MINUTE }));
  expect(told.story).toEqual(Array.from({ length: 31 }, (_, index) => `raised event.type-${index + 8} 0`));
});

it('remembers a limited number of types, and never forgets an open one', () => {
  const told = run();
  for (let at = 0; at < MAX_CONDITIONS; at += 1) told.feed(eventAt(at, `type-${at}`, 'raised'));
  told.feed(eventAt(1000, 'one-more', 'raised'));
  expect([...told.watch.openAlerts()]).toHaveLength(MAX_CONDITIONS);
  told.feed(eventAt(1001, 'type-7', 'cleared'), eventAt(1002, 'one-more', 'raised'));
  expect(told.story.at(-1)).toBe('raised event.one-more 1002');
});
