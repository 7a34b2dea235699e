import { expect, it } from '@jest/globals';
import { describeInput } from './describe-input.js';
import { fuzzOptions } from './fuzz-options.js';
import { Inputs } from './input.js';
import { loadCorpus } from './seeds.js';

it('takes a count and a seed, or an input to show', () => {
  expect(fuzzOptions([])).toEqual({ inputs: 1_000_000, seed: 1, input: undefined });
  expect(fuzzOptions(['--seed', '2', '--input', '3'])).toEqual({ inputs: 1_000_000, seed: 2, input: 3 });
  expect(fuzzOptions(['--help'])).toBe('help');
});

it.each([[['--sed', '1']], [['--seed', 'x']], [['--seed', '-1']], [['3']]])(
  'says in one line what is wrong with %j',
  (words) => {
    expect(fuzzOptions(words)).toEqual({ wrong: expect.stringMatching(/^.+$/) });
  },
);

it('shows of every input what it is and its bytes, also when there are none', () => {
  const inputs = new Inputs(loadCorpus(), 1);
  const shown = Array.from({ length: 50 }, (_, index) => describeInput(inputs.at(index)));
  const lines =
    /^decoder: role (client|server).*\nchanged (from byte \d+ on|nothing): .+\nbytes, by chunks: .+$/;
  expect(shown.filter((text) => !lines.test(text) || text.includes('undefined'))).toEqual([]);
});
