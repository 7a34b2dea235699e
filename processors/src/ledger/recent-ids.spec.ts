import { expect, it } from '@jest/globals';
import { RECENT_IDS, RecentIds } from './recent-ids.js';

const id = (number: number): string => `${1_795_210_200_000 + number}-${number}`;

it('the newest 256 ids of a device are known, and no others, also after they were written and read', () => {
  let ids = new RecentIds();
  for (let number = 0; number < 5_000; number += 1) {
    expect(ids.seen(id(number))).toBe(false);
    if (number % 700 === 699) ids = RecentIds.of(ids.toText());
  }
  for (let number = 5_000 - RECENT_IDS; number < 5_000; number += 1) expect(ids.seen(id(number))).toBe(true);
  expect(ids.seen(id(5_000 - RECENT_IDS - 1))).toBe(false);
});

it('a hundred thousand ids are told apart', () => {
  const seen = new Set<string>();
  for (let number = 0; number < 100_000; number += 1) {
    const one = new RecentIds();
    one.seen(id(number));
    seen.add(one.toText());
  }
  expect(seen.size).toBe(100_000);
});
