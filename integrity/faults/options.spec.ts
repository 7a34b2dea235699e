import { describe, expect, it } from '@jest/globals';
import { ALL_CASES, SHORT_SELECTION } from './cases/all-cases.js';
import { minutesOf, optionsOf } from './options.js';

const planned = (...args: readonly string[]): string[] =>
  optionsOf(args).plan.map(({ faultCase, seed }) => `${faultCase.name} ${seed}`);

describe('the command line of the fault bench', () => {
  it('repeats one case with one seed', () => {
    expect(planned('--case', 'F4', '--seed', '9')).toEqual(['F4 9']);
  });

  it('runs several seeds of several cases', () => {
    expect(planned('--case', 'f1', '--case', 'F3', '--seeds', '2')).toEqual(['F1 7', 'F1 8', 'F3 7', 'F3 8']);
  });

  it('runs the short selection with one seed each', () => {
    expect(planned('--short')).toEqual(SHORT_SELECTION.map((name) => `${name} 7`));
  });

  it('runs 20 seeds of every case under 20 s and 3 of the others, when all are asked for', () => {
    const seedsOf = (name: string): number =>
      planned('--all').filter((run) => run.startsWith(`${name} `)).length;
    for (const { name, takesMs } of ALL_CASES)
      expect([name, seedsOf(name)]).toEqual([name, takesMs < 20_000 ? 20 : 3]);
  });

  it('takes at most 90 minutes for all of them, two at a time', () => {
    expect(minutesOf(optionsOf(['--all']).plan) / 2).toBeLessThanOrEqual(90);
  });

  it.each([
    [['--case', 'F999'], 'there is no case "F999"'],
    [['--case', 'F1', '--seed', 'x'], '--seed must be a whole number above 0'],
    [[], 'no case is named'],
    [['--all', '--resume'], '--resume needs --json'],
    [['--all', '--lanes', '0'], '--lanes must be a whole number above 0'],
  ])('refuses %j', (args, sentence) => {
    expect(() => optionsOf(args)).toThrow(sentence);
  });

  it('has no two cases of one name', () => {
    expect(new Set(ALL_CASES.map(({ name }) => name)).size).toBe(ALL_CASES.length);
  });
});
