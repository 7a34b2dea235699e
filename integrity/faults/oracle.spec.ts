import { describe, expect, it } from '@jest/globals';
import { count, judge, type Evidence, type LoggedMessage } from './oracle.js';

const logged = (...numbers: readonly number[]): LoggedMessage[] =>
  numbers.map((n) => ({ device: 'pump', gateway: 'a', n }));

function evidence(
  changes: {
    log?: readonly LoggedMessage[];
    stored?: readonly number[];
    bad?: number[];
    spoilt?: number[];
  } = {},
): Evidence {
  return {
    books: [
      {
        id: 'pump',
        published: 6,
        acknowledged: new Set([0, 1, 2, 3]),
        bad: new Set(changes.bad),
        spoilt: new Set(changes.spoilt),
      },
      { id: 'silent', published: 0, acknowledged: new Set(), bad: new Set() },
    ],
    log: changes.log ?? logged(0, 1, 2, 3, 4),
    stored: new Map([['pump', changes.stored ?? [0, 1, 2, 3, 4]]]),
  };
}

describe('the oracle', () => {
  it('finds nothing where everything is right: stored without an acknowledgement is allowed', () => {
    expect(judge(evidence())).toEqual({
      published: 6,
      acknowledged: 4,
      stored: 5,
      lost: [],
      reordered: [],
      storedTwice: [],
      invented: [],
      duplicatesInLog: 0,
    });
  });

  it('finds a loss', () => {
    expect(judge(evidence({ stored: [0, 1, 3] })).lost).toEqual([{ device: 'pump', numbers: [2] }]);
    expect(count(judge(evidence({ stored: [] })).lost)).toBe(4);
  });

  it('takes it for no loss when the only copy was damaged on purpose', () => {
    const verdict = judge(evidence({ stored: [0, 3], spoilt: [2] }));
    expect(verdict.lost).toEqual([{ device: 'pump', numbers: [1] }]);
  });

  it('finds what overtook another', () => {
    expect(judge(evidence({ log: logged(0, 2, 3, 1, 4) })).reordered).toEqual([
      { device: 'pump', numbers: [1] },
    ]);
  });

  it('takes it for no wrong order when what was damaged on purpose comes again', () => {
    const log = logged(0, 2, 3, 1, 4);
    expect(judge(evidence({ log, spoilt: [1] })).reordered).toEqual([]);
    expect(count(judge(evidence({ log, spoilt: [2] })).reordered)).toBe(1);
  });

  it('counts repetitions in the log, and does not take them for a wrong order', () => {
    const { reordered, duplicatesInLog } = judge(evidence({ log: logged(0, 1, 2, 0, 1, 2, 3, 4) }));
    expect({ reordered, duplicatesInLog }).toEqual({ reordered: [], duplicatesInLog: 3 });
  });

  it('holds a device that moved to the order within each gateway, when told so', () => {
    const moved = [...logged(0, 1, 3), { device: 'pump', gateway: 'b', n: 2 }, ...logged(4)];
    expect(count(judge(evidence({ log: moved })).reordered)).toBe(1);
    expect(judge(evidence({ log: moved }), true).reordered).toEqual([]);
    expect(count(judge(evidence({ log: logged(0, 3, 2) }), true).reordered)).toBe(1);
  });

  it('finds what is stored twice', () => {
    expect(judge(evidence({ stored: [0, 1, 2, 3, 2] })).storedTwice).toEqual([
      { device: 'pump', numbers: [2] },
    ]);
  });

  it('finds what nobody published', () => {
    expect(judge(evidence({ stored: [0, 1, 2, 3, 6] })).invented).toEqual([{ device: 'pump', numbers: [6] }]);
  });

  it('wants what is refused by design nowhere, whatever the device was told', () => {
    const refused = judge(evidence({ stored: [0, 1, 3], bad: [2] }));
    expect({ lost: refused.lost, invented: refused.invented }).toEqual({ lost: [], invented: [] });
    expect(judge(evidence({ bad: [2] })).invented).toEqual([{ device: 'pump', numbers: [2] }]);
  });
});
