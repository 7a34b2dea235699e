import { expect, it } from '@jest/globals';
import { MINUTE, readingAt, rulesOf, START, WatchRun } from '../testing/watch-kit.js';

const TOO_HOT = rulesOf(`
  - name: too-hot
    metric: temperature
    threshold: { above: 80, clearBelow: 75 }
    severity: critical`);

function run(rules: string): WatchRun {
  return new WatchRun('telemetry', rulesOf(rules));
}

it('is raised by the reading beyond the limit and cleared by the one on the good side of the clear limit', () => {
  const hot = new WatchRun('telemetry', TOO_HOT).feed(
    readingAt(0, { temperature: 80 }),
    readingAt(1000, { temperature: 81.5 }, { receivedMs: 1200 }),
    readingAt(2000, { temperature: 95 }),
    readingAt(3000, { temperature: 79 }),
    readingAt(4000, { temperature: 75 }),
    readingAt(5000, { temperature: 78 }),
  );
  expect(hot.story).toEqual(['raised too-hot 1000', 'cleared too-hot 4000']);
  expect(hot.transitions[0]?.alert).toEqual({
    id: `pump-1~too-hot~${START + 1000}`,
    deviceId: 'pump-1',
    rule: 'too-hot',
    kind: 'threshold',
    severity: 'critical',
    text: 'pump-1: temperature is 81.5, above 80',
    metric: 'temperature',
    value: 81.5,
    peak: 81.5,
    limit: 80,
    since: START + 1000,
    raisedAt: START + 1000,
    receivedAt: START + 1200,
  });
  expect(hot.last).toMatchObject({ peak: 95, clearReason: 'condition' });
});

it('clears at the limit itself when no clear limit is given, and knows values that are too low', () => {
  const low = run('  - { name: low, metric: level, threshold: { below: 10 } }').feed(
    ...[10, 9, 4, 9, 10].map((level, at) => readingAt(at, { level })),
  );
  expect(low.story).toEqual(['raised low 1', 'cleared low 4']);
  expect(low.last.peak).toBe(4);
});

it('is raised when readings have shown the condition for so long, and by no timer', () => {
  const long = run('  - { name: long, metric: t, threshold: { above: 1, for: 2m } }');
  long
    .feed(readingAt(0, { t: 2 }), readingAt(MINUTE, { t: 9 }), readingAt(2 * MINUTE - 1, { t: 2 }))
    .passTo(60 * MINUTE);
  expect(long.story).toEqual([]);
  long.feed(readingAt(2 * MINUTE, { t: 3 }, { receivedMs: 60 * MINUTE }));
  expect(long.story).toEqual([`raised long ${2 * MINUTE}`]);
  expect(long.last).toMatchObject({ since: START, value: 3, peak: 9 });
});

it('begins anew when the condition is interrupted', () => {
  const long = run('  - { name: long, metric: t, threshold: { above: 1, for: 2m } }');
  const values = [2, 2, 1, 2, 2, 2];
  long.feed(...values.map((t, at) => readingAt(at * MINUTE, { t })));
  expect(long.story).toEqual([`raised long ${5 * MINUTE}`]);
  expect(long.last.since).toBe(START + 3 * MINUTE);
});

it('takes true for 1 and does not judge texts', () => {
  const on = run('  - { name: on, metric: pump, threshold: { above: 0.5 } }');
  on.feed(
    readingAt(0, { pump: 'broken' }),
    readingAt(1, { pump: true }),
    readingAt(2, { pump: 'off' }),
    readingAt(3, { pump: false }),
  );
  expect(on.story).toEqual(['raised on 1', 'cleared on 3']);
  expect(on.transitions[0]?.alert).toMatchObject({ value: true, peak: 1 });
});

it('lets a late reading neither raise nor clear, but tell of a higher peak of the open alert', () => {
  const hot = new WatchRun('telemetry', TOO_HOT).feed(
    readingAt(1000, { temperature: 20 }),
    readingAt(500, { temperature: 99 }),
    readingAt(2000, { temperature: 82 }),
    readingAt(4000, { temperature: 84 }),
    readingAt(1500, { temperature: 99 }), // before the alert
    readingAt(3000, { temperature: 60 }),
    readingAt(3001, { temperature: 83 }),
    readingAt(3002, { temperature: 90 }),
  );
  expect(hot.story).toEqual(['raised too-hot 2000', 'amended too-hot 2000']);
  expect(hot.last.peak).toBe(90);
  expect(hot.watch.lateReadings).toBe(5);
});

it('takes a resend for what it is', () => {
  const hot = new WatchRun('telemetry', TOO_HOT);
  const first = readingAt(0, { temperature: 90 }, { seq: 1 });
  hot.feed(first, first, readingAt(5, { temperature: 20 }, { seq: 2 }), first);
  expect(hot.story).toEqual(['raised too-hot 0', 'cleared too-hot 5']);
  expect(hot.watch.lateReadings).toBe(1); // the last one, of which nobody remembers that it has been there
});

it('gives two alerts of one millisecond two ids', () => {
  const hot = new WatchRun('telemetry', TOO_HOT).feed(
    ...[90, 20, 90, 20].map((temperature, seq) => readingAt(0, { temperature }, { seq })),
  );
  expect(hot.story).toEqual([
    'raised too-hot 0',
    'cleared too-hot 0',
    'raised too-hot 1',
    'cleared too-hot 1',
  ]);
});

it('waits for readings that come in the wrong order within the lateness', () => {
  const patient = run('  - { name: long, metric: t, threshold: { above: 1, for: 1m }, lateness: 30s }');
  patient.feed(
    readingAt(0, { t: 2 }),
    readingAt(MINUTE, { t: 2 }),
    readingAt(50_000, { t: 1 }, { receivedMs: 61_000 }), // it was good in between
    readingAt(3 * MINUTE, { t: 0 }),
  );
  expect(patient.story).toEqual([]);
  expect(patient.watch.lateReadings).toBe(0);
});

it('puts those of one millisecond in the order of their numbers, up to the very end of the lateness', () => {
  const patient = run('  - { name: hot, metric: t, threshold: { above: 1 }, lateness: 30s }');
  patient.feed(
    readingAt(0, { t: 2 }, { seq: 2 }),
    readingAt(30_000, { t: 2 }, { seq: 3, receivedMs: 20_000 }),
    readingAt(0, { t: 5 }, { seq: 1, receivedMs: 20_000 }),
  );
  patient.passTo(MINUTE);
  expect(patient.watch.lateReadings).toBe(0);
  expect(patient.transitions[0]?.alert.value).toBe(5);
});

it('judges what it holds when the device falls silent', () => {
  const patient = run('  - { name: hot, metric: t, threshold: { above: 1 }, lateness: 30s }');
  patient.feed(readingAt(0, { t: 2 })).passTo(30_000);
  expect(patient.story).toEqual([]);
  patient.passTo(30_001);
  expect(patient.story).toEqual(['raised hot 0']);
});

it('holds no more than 10,000 readings: then the oldest is judged at once', () => {
  const patient = run('  - { name: hot, metric: t, threshold: { above: 1 }, lateness: 1h }');
  for (let at = 0; at < 10_000; at += 1) patient.feed(readingAt(at, { t: at === 0 ? 2 : 0 }));
  expect(patient.story).toEqual([]);
  patient.feed(readingAt(10_000, { t: 0 }));
  expect(patient.story).toEqual(['raised hot 0']);
});

it('judges the devices that it selects', () => {
  const chosen = run(`
  - { name: by-type, select: { type: pump }, metric: t, threshold: { above: 1 } }
  - { name: other-type, select: { type: [fan, valve] }, metric: t, threshold: { above: 1 } }
  - { name: by-labels, select: { labels: { site: [south, north] } }, metric: t, threshold: { above: 1 } }
  - { name: all-must-match, select: { type: pump, labels: { site: north, line: '4' } }, metric: t, threshold: { above: 1 } }`);
  chosen.feed(readingAt(0, { t: 2 }), readingAt(0, { t: 2 }, { deviceId: 'stranger' }));
  expect(chosen.story).toEqual(['raised by-type 0', 'raised by-labels 0']);
});

it('says what the rule wants it to say', () => {
  const told = run(`
  - name: hot
    metric: t
    threshold: { above: 0.3 }
    text: '{label.site}/{label.none}/{device}: {metric}={value} > {limit} by {rule} since {since}{event}'`);
  told.feed(readingAt(0, { t: 1000 / 3 }));
  expect(told.last.text).toBe('north/-/pump-1: t=333.333 > 0.3 by hot since 2023-11-14T22:13:20.000Z-');
});
