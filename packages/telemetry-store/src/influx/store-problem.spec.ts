import { describe, expect, it } from '@jest/globals';
import { retryAfterMs } from './store-problem.js';

const NOW = Date.parse('2026-11-20T21:30:00Z');

describe('Retry-After', () => {
  it.each([
    ['2', 2_000],
    ['0', 0],
    ['Fri, 20 Nov 2026 21:30:07 GMT', 7_000],
    ['Fri, 20 Nov 2026 21:29:00 GMT', 0],
    ['86400', 300_000],
    ['Sat, 20 Nov 2027 21:30:00 GMT', 300_000],
    ['99999999999999999999999', 300_000],
    ['soon', 0],
    ['-5', 0],
    ['', 0],
    [undefined, 0],
  ])('%p is %d ms', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });
});
