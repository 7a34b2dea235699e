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
  expect(told.story).toEqual(['raised event.leak 0', 'amended event.leak 0']);
  expect(told.last).toMatchObject({ severity: 'critical', text: 'pump-1: leak (litres: 9)' });
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

it('remembers a limited number of types, and never forgets an open one', () => {
  const told = run();
  for (let at = 0; at < MAX_CONDITIONS; at += 1) told.feed(eventAt(at, `type-${at}`, 'raised'));
  told.feed(eventAt(1000, 'one-more', 'raised'));
  expect([...told.watch.openAlerts()]).toHaveLength(MAX_CONDITIONS);
  told.feed(eventAt(1001, 'type-7', 'cleared'), eventAt(1002, 'one-more', 'raised'));
  expect(told.story.at(-1)).toBe('raised event.one-more 1002');
});
