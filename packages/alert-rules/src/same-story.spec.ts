import { describe, expect, it } from '@jest/globals';
import type { EventRecord, TelemetryRecord } from '@fieldgate/contracts';
import type { AlertTransition } from './alert-watch.js';
import type { Rules } from './rules/rule.js';
import { eventAt, MINUTE, readingAt, rulesOf, WatchRun } from './testing/watch-kit.js';

type AnyRecord = TelemetryRecord | EventRecord;

const LATENESS_MS = 30_000;
const KINDS = {
  threshold: '{ name: hot, metric: t, threshold: { above: 60, clearBelow: 40, for: 20s } }',
  rate: '{ name: climbs, metric: t, rate: { above: 60, per: 1m, over: 20s } }',
  'absence of a metric': '{ name: silent, metric: t, absence: { after: 25s } }',
  absence: '{ name: quiet, absence: { after: 18s } }',
  'flapping of a metric': '{ name: flaps, metric: on, flapping: { changes: 4, within: 30s } }',
  'flapping of an event': '{ name: door, event: door, flapping: { changes: 3, within: 40s } }',
  reconnects: '{ name: connects, event: connected, flapping: { changes: 3, within: 40s } }',
};
const ALL = Object.values(KINDS)
  .map((rule) => `  - ${rule}`)
  .join('\n');

/** The same numbers for the same seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A few minutes of two devices, each record with a delay of its own up to the lateness; in the order of their times. */
function telemetry(random: () => number): TelemetryRecord[] {
  const first = { t: 50, on: false };
  const records = ['pump-1', 'pump-2'].map((deviceId) => readingAt(0, first, { deviceId })); // before, the arrival clock counts
  let t = 50;
  let at = 0;
  for (let seq = 1; seq < 120; seq += 1) {
    at += random() < 0.06 ? 15_000 + random() * 30_000 : random() * 4000;
    t = Math.min(100, Math.max(0, t + (random() - 0.5) * 50));
    const readings = { ...(random() < 0.7 ? { t } : {}), on: random() < 0.5, note: 'x' };
    const atMs = Math.floor(at);
    const receivedMs = atMs + Math.floor(random() * LATENESS_MS);
    records.push(
      readingAt(atMs, readings, { deviceId: random() < 0.5 ? 'pump-1' : 'pump-2', seq, receivedMs }),
    );
  }
  return records;
}

function events(random: () => number): EventRecord[] {
  const states = ['raised', 'cleared', 'info'] as const;
  return Array.from({ length: 120 }, (_, index) => {
    const atMs = index * 5000 + Math.floor(random() * 4000);
    const arrivesMs = atMs + Math.floor(random() * LATENESS_MS);
    const state = states[Math.floor(random() * 3)] ?? 'info';
    const event = random() < 0.3 ? 'connected' : random() < 0.8 ? 'door' : 'leak';
    return eventAt(atMs, event, event === 'connected' ? 'info' : state, { arrivesMs, id: `e-${index}` });
  });
}

function byArrival(records: readonly AnyRecord[]): AnyRecord[] {
  return records.toSorted((a, b) => a.receivedMs - b.receivedMs);
}

/** What happened to each device by each rule, one after the other. */
function perRule(transitions: readonly AlertTransition[]): AlertTransition[] {
  const keyOf = ({ alert }: AlertTransition): string => `${alert.deviceId} ${alert.rule}`;
  return transitions.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

function run(rules: Rules, source: 'telemetry' | 'events'): WatchRun {
  return new WatchRun(source, rules, ['pump-1', 'pump-2']);
}

describe('the order of arrival within the lateness changes nothing', () => {
  it.each(Object.entries(KINDS))('%s', (_kind, rule) => {
    const source = rule.includes('event: ') ? 'events' : 'telemetry';
    const rules = rulesOf(`  - ${rule}`, 'lateness: 30s\nconditions: { ignore: [leak, door] }');
    let said = 0;
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = generator(seed);
      const sorted = source === 'events' ? events(random) : telemetry(random);
      const shuffled = byArrival(sorted);
      const expected = run(rules, source).feed(...sorted);
      const actual = run(rules, source).feed(...shuffled);
      expected.passTo(60 * MINUTE);
      actual.passTo(60 * MINUTE);
      expect(shuffled).not.toEqual(sorted);
      expect(perRule(actual.transitions)).toEqual(perRule(expected.transitions));
      expect(actual.watch.lateReadings).toBe(0);
      said += actual.transitions.length;
    }
    expect(said).toBeGreaterThan(20);
  });
});

describe('a restart at any point changes nothing', () => {
  it.each([
    ['telemetry', '0s'],
    ['telemetry', '10s'],
    ['telemetry', '30s'],
    ['events', '0s'],
    ['events', '10s'],
  ] as const)('%s, lateness %s', (source, lateness) => {
    const random = generator(7);
    const records = byArrival(withClockSetBack(source === 'events' ? events(random) : telemetry(random)));
    const rules = rulesOf(ALL, `lateness: ${lateness}`);
    const whole = run(rules, source)
      .feed(...records)
      .passTo(60 * MINUTE);
    expect(whole.transitions.length).toBeGreaterThan(10);
    expect(whole.watch.clockSteps).toBeGreaterThan(0);
    for (let cut = 0; cut <= records.length; cut += 1) {
      const broken = run(rules, source)
        .feed(...records.slice(0, cut))
        .restart()
        .feed(...records.slice(cut))
        .passTo(60 * MINUTE);
      expect(broken.transitions).toEqual(whole.transitions);
    }
  });
});

/** From the middle on, one of the devices lives an hour earlier. */
function withClockSetBack(records: readonly AnyRecord[]): AnyRecord[] {
  return records.map((record, at) =>
    at > records.length / 3 && (record.deviceId === 'pump-2' || 'event' in record)
      ? { ...record, timeMs: record.timeMs - 60 * MINUTE }
      : record,
  );
}
