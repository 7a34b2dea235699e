import { expect, it } from '@jest/globals';
import { fitting } from './progress.js';

it('leaves out whole parts of a line that is too long for the terminal', () => {
  const text = '3 s · 20/20 connected · answers 5';
  expect(fitting(text, text.length)).toBe(text);
  expect(fitting(text, text.length - 1)).toBe('3 s · 20/20 connected');
  expect(fitting(text, 10)).toBe('3 s');
  expect(fitting(text, 2)).toBe('');
});
