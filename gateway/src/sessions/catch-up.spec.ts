import { expect, it } from '@jest/globals';
import { CatchUp } from './authenticate-device.js';

it.each([
  ['has reached the end of its topic', () => Promise.resolve(), true],
  ['cannot be read', () => Promise.reject(new Error('the log is away')), false],
  ['is slow', () => new Promise<void>(() => undefined), false],
])('says whether a table is new: one that %s', async (_, caughtUp, isNew) => {
  expect(await new CatchUp(caughtUp).atMost(5)).toBe(isNew);
});
