import { expect, it } from '@jest/globals';
import { preferredWait } from './prefer.js';

it.each([
  [undefined, 0],
  ['wait=10', 10],
  ['respond-async, wait=10', 10],
  ['Wait = "5"; foo=bar', 5],
  ['wait=600', 60],
  ['wait=0', 0],
  ['wait=1, wait=2', 1],
  ['wait', 0],
  ['wait=soon', 0],
  ['wait=-1', 0],
  ['await=3', 0],
])('Prefer: %s means %d seconds', (header, seconds) => {
  expect(preferredWait(header)).toBe(seconds);
});
