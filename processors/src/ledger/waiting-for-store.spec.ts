import { noLogCounts, storedRecords, type LogCounts, type StoredTopic } from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { storedUpTo, wait } from './waiting-for-store.js';

const TELEMETRY = 'fieldgate.telemetry.v1';
const EVENTS = 'fieldgate.events.v1';
let log: LogCounts;

const waiting = (topic: StoredTopic): number =>
  log.waiting.filter((each) => each.topic === topic).reduce((sum, { records }) => sum + records, 0);

describe('many records that wait for the store', () => {
  beforeEach(() => {
    log = noLogCounts();
    for (let offset = 0; offset < 1_000; offset += 1) {
      wait(log, TELEMETRY, offset);
      if (offset % 10 === 0) wait(log, EVENTS, offset);
    }
  });

  it('are known by a few offsets, and as stored piece by piece', () => {
    expect(log.waiting.length).toBeLessThanOrEqual(2 * 8);
    for (const committed of [300, 600, 900]) {
      expect(storedUpTo(log, TELEMETRY, { committed, before: 0, earliest: 0 })).toBe(true);
      expect(storedRecords(log)).toBeLessThanOrEqual(committed);
      expect(storedRecords(log)).toBeGreaterThan(committed - 300);
    }
    expect(storedUpTo(log, TELEMETRY, { committed: 1_000, before: 900, earliest: 0 })).toBe(true);
    expect(log).toMatchObject({ stored: 1_000, notStored: 0 });
    expect([waiting(TELEMETRY), waiting(EVENTS)]).toEqual([0, 100]);
    expect(storedUpTo(log, TELEMETRY, { committed: 2_000, before: 1_000, earliest: 0 })).toBe(false);
  });

  it('are not stored as far as they have gone from the log while it stood still', () => {
    for (const earliest of [200, 400, 600]) storedUpTo(log, TELEMETRY, { committed: 0, before: 0, earliest });
    expect(storedRecords(log)).toBe(0);
    expect(log.notStored).toBeGreaterThan(300);
    storedUpTo(log, TELEMETRY, { committed: 1_000, before: 600, earliest: 600 });
    expect(log.stored).toBe(1_000);
    expect(Math.abs(log.notStored - 600)).toBeLessThan(300);
    expect([waiting(TELEMETRY), waiting(EVENTS)]).toEqual([0, 100]);
  });

  it('are stored when they go from the log later', () => {
    storedUpTo(log, TELEMETRY, { committed: 1_000, before: 1_000, earliest: 900 });
    expect(log).toMatchObject({ stored: 1_000, notStored: 0 });
  });
});
