import { expect, it } from '@jest/globals';
import { Turns } from './turns.js';

it('lets so many go at once, and the others in their order', async () => {
  const turns = new Turns(2);
  const went: number[] = [];
  const go = async (n: number): Promise<void> => {
    await turns.take();
    went.push(n);
  };
  const all = [1, 2, 3, 4].map(go);
  await Promise.all(all.slice(0, 2));
  expect(went).toEqual([1, 2]);
  turns.give();
  await all[2];
  expect(went).toEqual([1, 2, 3]);
  turns.give();
  await all[3];
  for (let n = 0; n < 2; n += 1) turns.give();
  expect([turns.take(), turns.take()]).toEqual([undefined, undefined]);
  expect(turns.take()).toBeInstanceOf(Promise);
});

it('makes nobody wait after its end', async () => {
  const turns = new Turns(1);
  expect(turns.take()).toBeUndefined();
  const [first, second] = [turns.take(), turns.take()];
  turns.end();
  await first;
  await second;
  expect(turns.take()).toBeUndefined();
});
