import { expect, it } from '@jest/globals';
import { Turns } from './turns.js';

it('lets one after another work on a key, also after a failure, and others at the same time', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  let release = (): void => undefined;
  const first = turns.take('a', async () => {
    await new Promise<void>((resolve) => (release = resolve));
    seen.push('first');
    throw new Error('failed');
  });
  const second = turns.take('a', async () => seen.push('second'));
  await turns.take('b', async () => seen.push('other'));
  release();
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(seen).toEqual(['other', 'first', 'second']);
});
