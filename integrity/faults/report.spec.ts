import { describe, expect, it } from '@jest/globals';
import { ALL_CASES } from './cases/all-cases.js';
import { PROOFS } from './cases/proofs.js';
import type { CaseResult } from './fault-case.js';
import { reliabilityPage, resultLine, sumOf } from './report.js';

const RESULT: CaseResult = {
  name: 'F1',
  title: 'gateway `kill -9`',
  seed: 7,
  published: 110,
  acknowledged: 100,
  stored: 105,
  lost: 0,
  reordered: 0,
  storedTwice: 0,
  duplicatesInLog: 3,
  disconnects: 20,
  recoverySeconds: 1.04,
  largestRssMb: 100.4,
  seconds: 12.3,
  phases: [],
  problems: [],
};

describe('the page of the fault bench', () => {
  const seeds = [
    RESULT,
    { ...RESULT, seed: 8, recoverySeconds: 9, largestRssMb: 150 },
    { ...RESULT, seed: 9, recoverySeconds: 2.06, lost: 1, problems: ['lost: F1-0: 1 (4)'] },
  ];

  it('has one row for all seeds of a case: sums, median and largest', () => {
    const page = reliabilityPage(seeds, ['--case', 'F1', '--seeds', '3']);
    const row = page.split('\n').find((line) => line.startsWith('| F1'));
    expect(row?.split('|').map((cell) => cell.trim())).toEqual(
      ['', 'F1', 'gateway `kill -9`', 3, 300, 315, 1, 9, 0, 0, 60, 2.1, 9, 150, 1, ''].map(String),
    );
    expect(page).toContain('npm run faults -- --case F1 --seeds 3\n');
    expect(page).toContain(`- **F1** ${PROOFS.F1}`);
  });

  it('says which runs have failed, and why', () => {
    expect(reliabilityPage(seeds, [])).toContain('Failed runs:\n\n- F1 --seed 9: lost: F1-0: 1 (4)\n\n');
    expect(reliabilityPage(seeds.slice(0, 2), [])).not.toContain('Failed runs');
  });

  it('says under a run what was wrong with it, and how to repeat it', () => {
    expect(seeds.map(resultLine).filter((line) => line.startsWith('FAIL'))).toEqual([
      expect.stringContaining('\n     lost: F1-0: 1 (4)'),
    ]);
    expect(sumOf(seeds)).toBe('3 runs, 1 failed\nnpm run faults -- --case F1 --seed 9');
  });

  it('says of every case what it proves', () => {
    expect(Object.keys(PROOFS)).toEqual(ALL_CASES.map(({ name }) => name));
  });
});
