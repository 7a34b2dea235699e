import { expect, it } from '@jest/globals';
import { isQuietHour } from './quiet-hours.js';

const AT_NIGHT = { fromMinute: 22 * 60, toMinute: 7 * 60, timezone: 'Europe/Berlin' };

it.each([
  ['2026-01-15T20:59:59Z', false], // 21:59 in Berlin
  ['2026-01-15T21:00:00Z', true],
  ['2026-01-15T23:00:00Z', true], // midnight
  ['2026-01-16T05:59:59Z', true],
  ['2026-01-16T06:00:00Z', false],
  ['2026-07-15T20:00:00Z', true], // 22:00 in summer
  ['2026-07-16T05:00:00Z', false], // 07:00 in summer
  ['2026-03-29T00:30:00Z', true], // the night in which an hour is left out
])('from 22:00 to 07:00 in Berlin: %s is quiet: %s', (time, isQuiet) => {
  expect(isQuietHour(AT_NIGHT, Date.parse(time))).toBe(isQuiet);
});

it('a time within one day is quiet from its first minute to before its last', () => {
  const noon = { fromMinute: 12 * 60, toMinute: 13 * 60, timezone: 'UTC' };
  const quiet = ['11:59', '12:00', '12:59', '13:00'].map((time) =>
    isQuietHour(noon, Date.parse(`2026-05-01T${time}:30Z`)),
  );
  expect(quiet).toEqual([false, true, true, false]);
});
