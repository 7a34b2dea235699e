import { expect, it } from '@jest/globals';
import { fuzz } from '../../fuzz/src/fuzz.js';

it('100,000 mutated streams: nothing is thrown, hangs or grows, and each refusal is a value with code and clause', () => {
  const { tally, shortcomings } = fuzz({ inputs: 100_000, seed: 1 });
  expect(tally.faults).toEqual([]); // `npm run fuzz -- --seed 1 --input N` shows one
  expect(shortcomings).toEqual([]);
}, 300_000);
