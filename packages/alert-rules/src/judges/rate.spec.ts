import { expect, it } from '@jest/globals';
import { MAX_KEPT } from './rate.js';
import { MINUTE, readingAt, rulesOf, START, WatchRun } from '../testing/watch-kit.js';

function run(rate: string): WatchRun {
  return new WatchRun('telemetry', rulesOf(`  - { name: climbs, metric: t, rate: { ${rate} } }`));
}

it('compares with the newest reading that is old enough', () => {
  const climb = run('above: 5, per: 1m, over: 5m');
  // 0 to 5 min flat, then 6 a minute: over 5 minutes the rate passes 5 with the fifth minute of it
  climb.feed(
    ...Array.from({ length: 16 }, (_, at) => readingAt(at * MINUTE, { t: 6 * Math.max(0, at - 5) })),
  );
  expect(climb.story).toEqual([`raised climbs ${10 * MINUTE}`]);
  expect(climb.last).toMatchObject({
    kind: 'rate',
    value: 6,
    peak: 6,
    limit: 5,
    since: START + 5 * MINUTE,
    text: 'pump-1: t changes by 6 per 1m, limit 5',
  });
  climb.feed(readingAt(16 * MINUTE, { t: 60 }));
  expect(climb.story.at(-1)).toBe(`cleared climbs ${16 * MINUTE}`);
});

it('knows falls', () => {
  const fall = run('below: -1, per: 1s, over: 10s').feed(
    readingAt(0, { t: 100 }),
    readingAt(10_000, { t: 80 }),
  );
  expect(fall.last).toMatchObject({ value: -2, text: 'pump-1: t changes by -2 per 1s, limit -1' });
});

it('knows nothing without a reading of the right age, and then changes nothing', () => {
  const climb = run('above: 5, per: 1m, over: 5m').feed(
    readingAt(0, { t: 0 }),
    readingAt(5 * MINUTE - 1, { t: 1000 }),
    readingAt(20 * MINUTE, { t: 9000 }), // the newest that is old enough is more than 10 minutes older
  );
  expect(climb.story).toEqual([]);
  climb.feed(readingAt(25 * MINUTE, { t: 9100 }), readingAt(50 * MINUTE, { t: 9100 }));
  expect(climb.story).toEqual([`raised climbs ${25 * MINUTE}`]);
});

it('ignores booleans, texts and late readings', () => {
  const climb = run('above: 5, per: 1m, over: 5m').feed(
    readingAt(0, { t: true }),
    readingAt(1, { t: 'x' }),
    readingAt(MINUTE, { t: 0 }),
    readingAt(2, { t: -9999 }),
    readingAt(5 * MINUTE + 2, { t: 10 }),
  );
  expect(climb.story).toEqual([]);
});

it('keeps no more than 256 readings, and its judgement', () => {
  const climb = run('above: 5, per: 1m, over: 5m');
  for (let at = 0; at < 30_000; at += 1)
    climb.feed(readingAt(at * 100, { t: (at * 4) / 600 + (at > 20_000 ? (at - 20_000) / 300 : 0) }));
  // 4 a minute, from 2,000 s on 6 a minute: 5 over the newest 5 minutes after half of them
  expect(climb.story).toHaveLength(1);
  const raisedAt = climb.last.raisedAt - START;
  expect(Math.abs(raisedAt - (2_000_000 + 150_000))).toBeLessThanOrEqual(300_000 / 128);
  const [memory = ''] = climb.devicesMemory().values();
  const { judges } = JSON.parse(memory) as { judges: { state: { times: number[] } }[] }; // as rate.ts writes it
  expect(judges[0]?.state.times.length).toBeLessThanOrEqual(MAX_KEPT);
});
