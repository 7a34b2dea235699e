import { describe, expect, it } from '@jest/globals';
import { RecentRecords } from './recent-records.js';

describe('records seen lately', () => {
  it('always know the newest of them, and forget the oldest', () => {
    const recent = new RecentRecords(100);
    for (let i = 0; i < 1_000; i++) recent.add(String(i), i);
    for (let i = 900; i < 1_000; i++) expect(recent.timeOf(String(i))).toBe(i);
    expect(recent.timeOf('0')).toBeUndefined();
    expect(recent.timeOf('700')).toBeUndefined();
  });

  it('keep the time of the first one under a name', () => {
    const recent = new RecentRecords(2);
    for (const timeMs of [5, 7, 9]) recent.add('a', timeMs);
    recent.add('b', 10);
    recent.add('a', 11);
    expect(recent.timeOf('a')).toBe(5);
  });
});
