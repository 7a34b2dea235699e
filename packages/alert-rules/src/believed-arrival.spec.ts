import { expect, it } from '@jest/globals';
import { believedArrival } from './believed-arrival.js';

it.each([-86_400_000, 0, 5_000])('an arrival %d ms after the reading of it is believed', (aheadMs) => {
  const record = { receivedMs: 1_000_000 + aheadMs };
  expect(believedArrival(record, 1_000_000)).toBe(record);
});

it.each([5_001, 86_400_000])('one %d ms after it counts as of when it was read', (aheadMs) => {
  const record = { id: 'r', receivedMs: 1_000_000 + aheadMs };
  expect(believedArrival(record, 1_000_000)).toEqual({ id: 'r', receivedMs: 1_000_000 });
  expect(record.receivedMs).toBe(1_000_000 + aheadMs);
});
