import { expect, it } from '@jest/globals';
import { MINUTE, readingAt, rulesOf, START, WatchRun } from '../testing/watch-kit.js';

const HOUR = 60 * MINUTE;
const SILENT = rulesOf('  - { name: silent, metric: temperature, absence: { after: 45m } }');

function run(deviceIds: readonly string[] = ['pump-1']): WatchRun {
  return new WatchRun('telemetry', SILENT, deviceIds);
}

it('is raised when the time has passed, dated to that moment, and cleared by the next reading', () => {
  const silent = run()
    .feed(readingAt(0, { temperature: 20 }, { receivedMs: 500 }))
    .passTo(45 * MINUTE + 500);
  expect(silent.story).toEqual([]);
  silent.passTo(45 * MINUTE + 501);
  expect(silent.transitions).toEqual([
    {
      change: 'raised',
      alert: {
        id: `pump-1~silent~${START + 45 * MINUTE}`,
        deviceId: 'pump-1',
        rule: 'silent',
        kind: 'absence',
        severity: 'warning',
        metric: 'temperature',
        text: 'pump-1: no temperature since 2023-11-14T22:13:20.000Z',
        since: START,
        raisedAt: START + 45 * MINUTE,
        receivedAt: START + 45 * MINUTE + 500,
      },
    },
  ]);
  silent.passTo(10 * HOUR).feed(readingAt(11 * HOUR, { temperature: 21 }));
  expect(silent.story).toEqual([`raised silent ${45 * MINUTE}`, `cleared silent ${11 * HOUR}`]);
  silent.passTo(12 * HOUR);
  expect(silent.story.at(-1)).toBe(`raised silent ${11 * HOUR + 45 * MINUTE}`);
});

it('notices by the own time of a device that still reports other metrics', () => {
  const silent = run().feed(
    readingAt(0, { temperature: 20 }),
    readingAt(46 * MINUTE, { humidity: 1 }, { receivedMs: 10 }),
  );
  expect(silent.story).toEqual([`raised silent ${45 * MINUTE}`]);
});

it('dates the silence before the reading that ends it, also when both show at once', () => {
  const silent = run().feed(
    readingAt(0, { temperature: 20 }),
    readingAt(50 * MINUTE, { temperature: 20 }, { receivedMs: 10 }),
  );
  expect(silent.story).toEqual([`raised silent ${45 * MINUTE}`, `cleared silent ${50 * MINUTE}`]);
});

it('does not mind a clock that is wrong and steady', () => {
  const wrong = run();
  for (let at = 0; at < 20; at += 1)
    wrong.feed(
      readingAt(at * 10 * MINUTE - 24 * HOUR, { temperature: 20 }, { receivedMs: at * 10 * MINUTE }),
    );
  expect(wrong.story).toEqual([]);
  const lastMs = 190 * MINUTE;
  wrong.passTo(lastMs + 45 * MINUTE);
  expect(wrong.story).toEqual([]);
  wrong.passTo(lastMs + 45 * MINUTE + 1);
  expect(wrong.story).toEqual([`raised silent ${lastMs + 45 * MINUTE - 24 * HOUR}`]);
});

it('without a metric takes anything for a sign of life', () => {
  const quiet = new WatchRun('telemetry', rulesOf('  - { name: quiet, absence: { after: 10m } }'));
  quiet.feed(readingAt(0, { a: 1 }), readingAt(9 * MINUTE, { b: 'x' })).passTo(19 * MINUTE + 1);
  expect(quiet.story).toEqual([`raised quiet ${19 * MINUTE}`]);
  expect(quiet.last.text).toMatch('nothing since');
});

it('hears of readings that come late: it was not silent then', () => {
  const silent = run()
    .feed(readingAt(0, { temperature: 20 }))
    .passTo(HOUR);
  silent.feed(readingAt(-MINUTE, { temperature: 1 }, { receivedMs: HOUR + 1 }));
  expect(silent.story).toEqual([`raised silent ${45 * MINUTE}`]); // an older one says nothing
  silent.feed(readingAt(30 * MINUTE, { temperature: 20 }, { receivedMs: HOUR + 2 }));
  expect(silent.story.at(-1)).toBe(`cleared silent ${45 * MINUTE}`);
  silent.passTo(HOUR + 45 * MINUTE + 3);
  expect(silent.story.at(-1)).toBe(`raised silent ${75 * MINUTE}`);
});

it('misses devices that never reported: from registration on, or since the rule watches', () => {
  const never = run(['old', 'other']);
  never.watch.watch('old');
  never.passTo(HOUR).register('new', 90 * MINUTE);
  never.passTo(HOUR + 45 * MINUTE);
  expect(never.story).toEqual([]);
  never.passTo(HOUR + 45 * MINUTE + 1);
  expect(never.story).toEqual([`raised silent ${105 * MINUTE}`]);
  expect(never.last).toMatchObject({
    deviceId: 'old',
    since: START + HOUR,
    receivedAt: START + 105 * MINUTE,
  });
  never.passTo(135 * MINUTE).passTo(135 * MINUTE + 1);
  expect(never.story.at(-1)).toBe(`raised silent ${135 * MINUTE}`);
  expect(never.last.deviceId).toBe('new');
  never.feed(readingAt(120 * MINUTE, { temperature: 1 }, { deviceId: 'new', receivedMs: 136 * MINUTE }));
  expect(never.story.at(-1)).toBe(`cleared silent ${135 * MINUTE}`);
  expect(never.transitions).toHaveLength(3);
});

it('of 1,000 devices misses the ten that stop, and after a restart no eleventh', () => {
  const ids = Array.from({ length: 1000 }, (_, at) => `pump-${at}`);
  const stopsAt = new Map(
    Array.from({ length: 10 }, (_, at) => [`pump-${at * 100}`, (at + 3) * 10 * MINUTE]),
  );
  const fleet = run(ids);
  for (let at = 0; at <= 300 * MINUTE; at += 10 * MINUTE) {
    ids.forEach((deviceId, index) => {
      if (at <= (stopsAt.get(deviceId) ?? Infinity))
        fleet.feed(readingAt(at + index, { temperature: 20 }, { deviceId }));
    });
    if (at % (50 * MINUTE) === 0) fleet.restart();
  }
  expect(new Map(fleet.transitions.map(({ alert }) => [alert.deviceId, alert.raisedAt - START]))).toEqual(
    new Map(Array.from(stopsAt, ([id, at]) => [id, at + ids.indexOf(id) + 45 * MINUTE])),
  );
  expect(fleet.transitions).toHaveLength(10);
});
