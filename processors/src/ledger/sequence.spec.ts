import { missingSeq, noLedger, sequenceLedgerSchema, type SequenceLedger } from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { countSeq } from './sequence.js';

let sequence: SequenceLedger;
let now: number;
beforeEach(() => {
  sequence = noLedger('pump-7').sequence;
  now = 1_000_000;
});

/** Measured now, and arrived a moment later. */
function count(...numbers: number[]): void {
  for (const seq of numbers) countSeq(sequence, { seq, timeMs: (now += 10), receivedMs: now + 1 });
}

/** Measured a while ago. */
function countLate(...numbers: number[]): void {
  for (const seq of numbers) countSeq(sequence, { seq, timeMs: 1_000, receivedMs: (now += 10) });
}

/** By a device without a clock. */
function countUntimed(...numbers: number[]): void {
  for (const seq of numbers) countSeq(sequence, { seq, timeMs: (now += 10), receivedMs: now });
}

describe('the numbers of a device', () => {
  it('have a gap where some are left out', () => {
    count(5, 6, 9, 10, 20);
    expect(sequence.gaps).toEqual([
      { from: 7, to: 8 },
      { from: 11, to: 19 },
    ]);
    expect(missingSeq(sequence)).toBe(11);
  });

  it('have a smaller gap, two gaps or none once late ones come', () => {
    count(1, 8);
    countLate(4);
    expect(sequence.gaps).toEqual([
      { from: 2, to: 3 },
      { from: 5, to: 7 },
    ]);
    countLate(2, 3, 7, 5, 6, 6);
    expect(sequence.gaps).toEqual([]);
  });

  it('may begin with a late one', () => {
    count(10);
    countLate(9, 5, 7);
    expect(sequence.gaps).toEqual([
      { from: 6, to: 6 },
      { from: 8, to: 8 },
    ]);
  });

  it('begin anew when the device does: time goes on, and the number falls back', () => {
    count(1, 2, 5, 1, 2, 3);
    expect(sequence).toMatchObject({ restarts: 1, gaps: [], closed: [{ from: 3, to: 4 }] });
    count(4, 6);
    expect(missingSeq(sequence)).toBe(3);
  });

  it('of a device without a clock begin anew only when they fall back far', () => {
    countUntimed(1_000, 1_001, 1_000, 1_003, 1_002);
    expect(sequence).toMatchObject({ restarts: 0, gaps: [] });
    countUntimed(1);
    expect(sequence).toMatchObject({ restarts: 1, run: { first: 1, last: 1 } });
  });

  it('have at most 32 gaps that are listed; all are counted', () => {
    count(...Array.from({ length: 101 }, (_, index) => index * 2));
    expect(sequence.gaps).toHaveLength(32);
    expect(sequence.gaps.at(-1)).toEqual({ from: 199, to: 199 });
    expect(missingSeq(sequence)).toBe(100);
    count(...Array.from({ length: 11 }, (_, index) => index * 2));
    expect(missingSeq(sequence)).toBe(110);
    expect(sequence.closed).toHaveLength(32);
  });

  it('may be any: a row with them can be read', () => {
    const { MAX_SAFE_INTEGER } = Number;
    for (let restart = 0; restart < 40; restart += 1) count(0, MAX_SAFE_INTEGER);
    expect(sequence).toMatchObject({ restarts: 39, unlisted: MAX_SAFE_INTEGER });
    expect(sequenceLedgerSchema.safeParse(sequence).success).toBe(true);
    expect(missingSeq(sequence)).toBe(MAX_SAFE_INTEGER);
  });
});
