import { expect, it } from '@jest/globals';
import { eventAt, MINUTE, readingAt, rulesOf, START, WatchRun } from '../testing/watch-kit.js';

it('is raised by the change that makes them too many, and cleared when they have left the window', () => {
  const door = new WatchRun(
    'telemetry',
    rulesOf('  - { name: flaps, metric: door, flapping: { changes: 3, within: 10m } }'),
  );
  const states = [true, true, false, true, true, false, false];
  door.feed(...states.map((state, at) => readingAt(at * MINUTE, { door: state })));
  expect(door.story).toEqual([`raised flaps ${5 * MINUTE}`]); // changes at 2, 3 and 5 minutes
  expect(door.last).toMatchObject({
    value: 3,
    peak: 3,
    limit: 3,
    since: START + 2 * MINUTE,
    text: 'pump-1: door changed 3 times within 10m',
  });
  door.passTo(12 * MINUTE);
  expect(door.transitions).toHaveLength(1);
  door.passTo(12 * MINUTE + 1);
  expect(door.story.at(-1)).toBe(`cleared flaps ${12 * MINUTE}`);
});

it('stays while it flaps, and tells of the most changes', () => {
  const level = new WatchRun(
    'telemetry',
    rulesOf('  - { name: flaps, metric: level, flapping: { changes: 2, within: 10m } }'),
  );
  level
    .feed(...Array.from({ length: 30 }, (_, at) => readingAt(at * MINUTE, { level: at })))
    .passTo(60 * MINUTE);
  expect(level.story).toEqual([`raised flaps ${2 * MINUTE}`, `cleared flaps ${38 * MINUTE}`]);
  expect(level.last).toMatchObject({ value: 2, peak: 11 });
});

it('counts the changes of a condition between raised and cleared', () => {
  const door = new WatchRun(
    'events',
    rulesOf(
      '  - { name: flaps, event: door-open, flapping: { changes: 3, within: 10m } }',
      'conditions: { ignore: [door-open] }',
    ),
  );
  door.feed(
    eventAt(0, 'door-open', 'cleared'),
    eventAt(1, 'door-open', 'raised'),
    eventAt(2, 'door-open', 'raised'),
    eventAt(3, 'other', 'raised', { severity: 'info' }),
    eventAt(4, 'door-open', 'cleared'),
    eventAt(5, 'door-open', 'raised'),
  );
  expect(door.story).toEqual(['raised event.other 3', 'raised flaps 5']);
  expect(door.last).toMatchObject({ event: 'door-open', kind: 'flapping', value: 3 });
});

it('counts reconnects, whatever the clock of the device says', () => {
  const net = new WatchRun(
    'events',
    rulesOf('  - { name: unstable, event: connected, flapping: { changes: 3, within: 10m } }'),
  );
  const wrongClock = -24 * 60 * MINUTE;
  for (let at = 0; at < 3; at += 1) {
    net.feed(
      eventAt(at * MINUTE, 'connected', 'info'),
      eventAt(at * MINUTE + 10 + wrongClock, 'hello', 'info', { arrivesMs: at * MINUTE + 10 }),
    );
  }
  expect(net.story).toEqual([`raised unstable ${2 * MINUTE}`]);
  net.passTo(10 * MINUTE + 1);
  expect(net.story.at(-1)).toBe(`cleared unstable ${10 * MINUTE}`);
});

it('counts a resend once, also one that comes while the first is held', () => {
  const rules = rulesOf(
    '  - { name: unstable, event: connected, flapping: { changes: 2, within: 10m }, lateness: 1m }',
  );
  const first = eventAt(0, 'connected', 'info');
  const net = new WatchRun('events', rules).feed(first, first).passTo(5 * MINUTE);
  expect(net.story).toEqual([]);
});

it('lets the window pass on the new time of a clock that was set back', () => {
  const rules = rulesOf('  - { name: flaps, metric: level, flapping: { changes: 2, within: 10m } }');
  const hour = 60 * MINUTE;
  const level = new WatchRun('telemetry', rules).feed(
    ...[1, 2, 3].map((value, at) => readingAt(hour + at, { level: value })),
  );
  for (let at = 1; at <= 3; at += 1)
    level.feed(readingAt(at * MINUTE, { other: 1 }, { receivedMs: hour + at * MINUTE }));
  expect(level.watch.clockSteps).toBe(1);
  level.passTo(hour + 12 * MINUTE);
  expect(level.transitions).toHaveLength(1);
  level.passTo(hour + 13 * MINUTE + 1);
  expect(level.transitions).toHaveLength(2);
});
