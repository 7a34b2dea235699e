import { describe, expect, it } from '@jest/globals';
import { limitSchema, rangeOf, timeSchema } from './query-schemas.js';

describe('a time in a query', () => {
  it.each([
    ['1795210200123', 1_795_210_200_123],
    ['0', 0],
    ['2026-11-20T21:30:00Z', 1_795_210_200_000],
    ['2026-11-20T22:30:00.5+01:00', 1_795_210_200_500],
    ['2026-11-21T00:30:00+03:00', 1_795_210_200_000],
    ['2024-02-29t23:59:59z', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ])('%s is %d', (text, ms) => {
    expect(timeSchema.parse(text)).toBe(ms);
  });

  it.each([
    '',
    'now',
    '2026-11-20',
    '2026-11-20T21:30:00',
    '-5',
    '1e3',
    '9999999999999999',
    '2026-13-40T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00+01:00',
    '2026-11-20T24:00:00Z',
    '2026-11-20T21:30:60Z',
  ])('refuses %j', (text) => {
    expect(timeSchema.safeParse(text).success).toBe(false);
  });
});

describe('a range', () => {
  const now = 1_000_000_000;

  it('is the last hour, and takes a clock that is a little ahead', () => {
    expect(rangeOf({}, 3_600_000, now)).toEqual({ fromMs: now - 3_600_000, toMs: now + 300_000 });
  });

  it('is the hour before its end', () => {
    expect(rangeOf({ to: 5_000_000 }, 3_600_000, now)).toEqual({ fromMs: 1_400_000, toMs: 5_000_000 });
  });

  it('goes on from its start', () => {
    expect(rangeOf({ from: 7 }, 3_600_000, now)).toEqual({ fromMs: 7, toMs: now + 300_000 });
  });

  it.each([
    [5, 5],
    [6, 5],
  ])('is refused from %d to %d', (from, to) => {
    expect(rangeOf({ from, to }, 3_600_000, now)).toBeUndefined();
  });
});

describe('a limit', () => {
  const schema = limitSchema(100, 1000);

  it('has a usual value', () => {
    expect(schema.parse(undefined)).toBe(100);
    expect(schema.parse('7')).toBe(7);
    expect(schema.parse('1000')).toBe(1000);
  });

  it.each(['0', '1001', '-1', '1.5', 'all', '', ['1', '2']])('refuses %j', (value) => {
    expect(schema.safeParse(value).error?.issues[0]?.message).toBe('must be a whole number from 1 to 1000');
  });
});
