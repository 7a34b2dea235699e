import { expect, it } from '@jest/globals';
import { AlertWatch } from './alert-watch.js';
import { NO_RULES } from './rules/rule.js';
import { eventAt, MINUTE, readingAt, rulesOf, START, WatchRun } from './testing/watch-kit.js';

const HOT = '  - { name: hot, metric: t, threshold: { above: 80 } }';

function run(rules: string): WatchRun {
  return new WatchRun('telemetry', rulesOf(rules));
}

it('follows a device clock that was set back, and leaves the open alert to the new readings', () => {
  const back = run(`
  - { name: hot, metric: t, threshold: { above: 80 } }
  - { name: long, metric: t, threshold: { above: 80, for: 1m } }
  - { name: silent, metric: t, absence: { after: 10m } }`);
  const hour = 60 * MINUTE;
  back.feed(readingAt(hour, { t: 90 }));
  for (let at = 1; at <= 4; at += 1)
    back.feed(readingAt(at * MINUTE, { t: at < 4 ? 85 : 20 }, { receivedMs: hour + at * MINUTE }));
  // late for two minutes of arrival: the third counts again
  expect(back.watch.clockSteps).toBe(1);
  expect(back.story).toEqual([`raised hot ${hour}`, `cleared hot ${hour}`]);
  back.passTo(hour + 14 * MINUTE + 1);
  expect(back.story.at(-1)).toBe(`raised silent ${14 * MINUTE}`);
});

it('takes what a device has stored for late data, not for a clock that was set back', () => {
  const stored = run(HOT).feed(readingAt(600 * MINUTE, { t: 20 }));
  for (let at = 0; at < 300; at += 1)
    stored.feed(readingAt(at * MINUTE, { t: 90 }, { receivedMs: 600 * MINUTE + at * 1000 }));
  expect(stored.watch.clockSteps).toBe(0);
  expect(stored.watch.lateReadings).toBe(300);
  expect(stored.story).toEqual([]);
});

it('takes what comes within the lateness for no clock that was set back', () => {
  const patient = run('  - { name: hot, metric: t, threshold: { above: 80 }, lateness: 1h }');
  patient.feed(readingAt(60 * MINUTE, { t: 1 }));
  for (let at = 1; at <= 9; at += 1)
    patient.feed(readingAt(at * MINUTE, { t: 1 }, { receivedMs: (60 + at) * MINUTE }));
  expect(patient.watch.clockSteps).toBe(0);
});

it('counts a clock as set back after two minutes, by three records about as fast as ours, or two that are just as fast', () => {
  const stepsAfter = (...lates: readonly (readonly [atMs: number, arrivesMs: number])[]): number => {
    const back = run(HOT).feed(readingAt(600 * MINUTE, { t: 1 }));
    for (const [atMs, arrivesMs] of lates)
      back.feed(readingAt(atMs, { t: 1 }, { receivedMs: 600 * MINUTE + arrivesMs }));
    return back.watch.clockSteps;
  };
  expect(stepsAfter([0, 0], [2 * MINUTE - 1, 2 * MINUTE - 1])).toBe(0);
  expect(stepsAfter([0, 0], [2 * MINUTE, 2 * MINUTE])).toBe(1);
  expect(stepsAfter([0, 0], [3 * MINUTE, 2 * MINUTE])).toBe(0);
  expect(stepsAfter([0, 0], [3 * MINUTE, 2 * MINUTE], [4 * MINUTE, 3 * MINUTE])).toBe(1);
  expect(stepsAfter([0, 0], [5 * MINUTE, 2 * MINUTE], [9 * MINUTE, 3 * MINUTE])).toBe(0);
  const other = run(HOT).feed(readingAt(600 * MINUTE, { t: 1 }));
  for (const atMs of [0, 1, 2 * MINUTE - 1])
    other.feed(readingAt(atMs, { t: 1 }, { receivedMs: 600 * MINUTE + atMs }));
  expect(other.watch.clockSteps).toBe(0);
  other.feed(readingAt(2 * MINUTE, { t: 1 }, { receivedMs: 602 * MINUTE }));
  expect(other.watch.clockSteps).toBe(1);
});

it('misses no device that is gone', () => {
  const gone = run('  - { name: silent, metric: t, absence: { after: 10m } }').feed(readingAt(0, { t: 1 }));
  gone.remove('pump-1').passTo(60 * MINUTE);
  expect(gone.story).toEqual([]);
});

it('one record in time shows that the clock is right', () => {
  const mixed = run(HOT);
  for (let at = 0; at < 20; at += 1)
    mixed.feed(
      readingAt((100 + at) * MINUTE, { t: 1 }),
      readingAt(at * MINUTE, { t: 99 }, { receivedMs: (100 + at) * MINUTE + 1 }),
    );
  expect(mixed.watch.clockSteps).toBe(0);
  expect(mixed.story).toEqual([]);
});

it('clears what is open of a rule that no longer selects the device, and of a device that is gone', () => {
  const moved = run(`
  - { name: north, select: { labels: { site: north } }, metric: t, threshold: { above: 80 } }
  - { name: hot, metric: t, threshold: { above: 80 } }`);
  moved.feed(readingAt(0, { t: 90 })).register('pump-1', 0, { labels: { site: 'south' } });
  expect(moved.story.slice(2)).toEqual(['cleared north 0 not-selected']);
  moved.passTo(MINUTE).remove('pump-1');
  expect(moved.story.slice(3)).toEqual([`cleared hot ${MINUTE} device-deleted`]);
  expect(moved.watch.takeChanged()).toContain('pump-1');
  expect(moved.watch.deviceMemory('pump-1')).toBeUndefined();
  moved.feed(readingAt(2 * MINUTE, { t: 90 }));
  expect(moved.transitions).toHaveLength(4);
});

it('takes another registration of the same id for another device', () => {
  const again = run('  - { name: long, metric: t, threshold: { above: 80, for: 1m } }');
  again
    .feed(readingAt(0, { t: 90 }))
    .register('pump-1', 1)
    .feed(readingAt(MINUTE, { t: 90 }));
  expect(again.story).toEqual([]);
});

it('misses no device that was only just given to a rule', () => {
  const given = run('  - { name: silent, select: { type: fan }, metric: t, absence: { after: 10m } }');
  given.watch.watch('pump-1');
  given.passTo(0).passTo(60 * MINUTE);
  given
    .register('pump-1', 0, { type: 'fan' })
    .restart()
    .passTo(70 * MINUTE);
  expect(given.story).toEqual([]);
  given.passTo(70 * MINUTE + 1);
  expect(given.story).toEqual([`raised silent ${70 * MINUTE}`]);
});

it('changes nothing for a rule that stays as it is', () => {
  const same = run(`
  - { name: long, metric: t, threshold: { above: 80, for: 1m } }
  - { name: gone, metric: t, threshold: { above: 80 } }`);
  same.feed(readingAt(0, { t: 90 }));
  same.reload(
    rulesOf(
      '  - { name: more, metric: u, threshold: { above: 1 } }\n  - { name: long, metric: t, threshold: { above: 80, for: 1m }, notify: [] }',
    ),
  );
  expect(same.story).toEqual(['raised gone 0', 'cleared gone 0 rule-removed']);
  same.feed(readingAt(MINUTE, { t: 90, u: 2 }));
  expect(same.story.slice(2)).toEqual([`raised long ${MINUTE}`, `raised more ${MINUTE}`]);
});

it('tells an open alert in the new words of its rule', () => {
  const told = run(HOT).feed(readingAt(0, { t: 90 }));
  told.reload(
    rulesOf(
      '  - { name: hot, metric: t, threshold: { above: 80 }, severity: critical, text: "{device} {value}" }',
    ),
  );
  expect(told.story).toEqual(['raised hot 0', 'amended hot 0']);
  expect(told.last).toMatchObject({ severity: 'critical', text: 'pump-1 90' });
  told.reload(
    rulesOf(
      '  - { name: hot, metric: t, threshold: { above: 80 }, severity: critical, text: "{device} {value}" }',
    ),
  );
  expect(told.transitions).toHaveLength(2);
});

it('judges an open alert by the new numbers of its rule', () => {
  const changed = run(HOT).feed(readingAt(0, { t: 90 }));
  changed
    .reload(rulesOf('  - { name: hot, metric: t, threshold: { above: 85, for: 1h } }'))
    .feed(readingAt(1, { t: 86 }));
  expect(changed.story).toEqual(['raised hot 0']);
  changed.feed(readingAt(2, { t: 84 }));
  expect(changed.story.at(-1)).toBe('cleared hot 2');
  changed
    .feed(readingAt(3, { t: 90 }))
    .reload(rulesOf('  - { name: hot, metric: t, absence: { after: 1h } }'));
  expect(changed.transitions).toHaveLength(2);
});

it('takes a rule about another metric for another rule', () => {
  const changed = run(HOT).feed(readingAt(0, { t: 90 }));
  changed.reload(rulesOf('  - { name: hot, metric: u, threshold: { above: 80 } }'));
  expect(changed.story).toEqual(['raised hot 0', 'cleared hot 0 rule-removed']);
});

it('goes on counting changes when a flapping rule is given other numbers', () => {
  const flaps = run('  - { name: flaps, metric: d, flapping: { changes: 2, within: 10m } }');
  flaps.feed(...[1, 2, 3].map((d, at) => readingAt(at * MINUTE, { d })));
  flaps
    .reload(rulesOf('  - { name: flaps, metric: d, flapping: { changes: 2, within: 20m } }'))
    .passTo(21 * MINUTE);
  expect(flaps.transitions).toHaveLength(1);
  flaps.passTo(21 * MINUTE + 1);
  expect(flaps.story.at(-1)).toBe(`cleared flaps ${21 * MINUTE}`);
});

it('a rule that is new watches from now on', () => {
  const fresh = run(HOT)
    .passTo(0)
    .passTo(60 * MINUTE);
  fresh.watch.watch('pump-1');
  fresh
    .reload(rulesOf('  - { name: silent, metric: t, absence: { after: 10m } }'))
    .restart()
    .passTo(70 * MINUTE);
  expect(fresh.story).toEqual([]);
  fresh.passTo(70 * MINUTE + 1);
  expect(fresh.story).toEqual([`raised silent ${70 * MINUTE}`]);
});

it('remembers under the rules of before, and clears what the rules of now do not know', () => {
  const old = run(HOT).feed(readingAt(0, { t: 90 }));
  const memory: unknown = JSON.parse(JSON.stringify(old.watch.deviceMemory('pump-1')));
  const settings = { source: 'telemetry', deviceOf: (id: string) => old.devices.get(id) } as const;
  const without = new AlertWatch({ ...settings, rules: NO_RULES });
  expect(without.restoreDevice('pump-1', memory)).toBe(true);
  expect(without.takeTransitions()).toMatchObject([
    { change: 'cleared', alert: { rule: 'hot', clearReason: 'rule-removed' } },
  ]);
  const gone = new AlertWatch({ ...settings, rules: rulesOf(HOT), deviceOf: () => undefined });
  expect(gone.restoreDevice('pump-1', memory)).toBe(true);
  expect(gone.takeTransitions()).toMatchObject([
    { change: 'cleared', alert: { rule: 'hot', clearReason: 'device-deleted' } },
  ]);
  expect(gone.takeChanged()).toEqual(['pump-1']);
});

it('does not take what is no memory of its own', () => {
  const { watch } = run(HOT);
  expect(watch.restoreDevice('pump-1', { version: 0 })).toBe(false);
  expect(watch.restore({ version: 2 })).toBe(false);
  expect(watch.clockMs).toBe(0);
});

it('has nothing to keep of a device that never reported, and says whose memory has changed', () => {
  const kept = run(HOT).passTo(0);
  kept.watch.watch('pump-1');
  expect(kept.watch.deviceMemory('pump-1')).toBeUndefined();
  kept.feed(readingAt(0, { t: 1 }), readingAt(1, { t: 1 }));
  expect(kept.watch.takeChanged()).toEqual(['pump-1']);
  expect(kept.watch.takeChanged()).toEqual([]);
  expect(kept.watch.deviceMemory('pump-1')).toBeDefined();
});

it('lists the open alerts as they are now', () => {
  const open = run(HOT).feed(readingAt(0, { t: 90 }), readingAt(1, { t: 95 }));
  expect([...open.watch.openAlerts()]).toMatchObject([{ rule: 'hot', peak: 95, value: 90 }]);
  expect(open.watch.clockMs).toBe(START + 1);
});

it('does not let the arrival clock go back', () => {
  const clock = run(HOT).passTo(10).passTo(5);
  expect(clock.watch.clockMs).toBe(START + 10);
});

it('keeps the rules of telemetry and of events apart', () => {
  const both = rulesOf(`${HOT}\n  - { name: door, event: door, flapping: { changes: 2, within: 1m } }`);
  const events = new WatchRun('events', both).feed(...[0, 1].map((at) => eventAt(at, 'door', 'info')));
  expect(events.story).toEqual(['raised door 1']);
  const readings = new WatchRun('telemetry', both).feed(
    readingAt(0, { door: true, t: 90 }),
    readingAt(1, { door: false }),
  );
  expect(readings.story).toEqual(['raised hot 0']);
});
