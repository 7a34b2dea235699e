import { describe, expect, it } from '@jest/globals';
import { WriteQueue } from './write-queue.js';

const limits = { sizeOf: (batch: string) => batch.length, most: 5, small: 2, gatherMs: 0 };

/** A transaction that ends when the test says so. */
function heldTransactions() {
  const groups: string[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const begun: (() => void)[] = [];
  const commit = (batches: readonly string[]): Promise<string[]> => {
    groups.push([...batches]);
    begun.shift()?.();
    return new Promise((resolve, reject) =>
      ends.push((error) => (error ? reject(error) : resolve([...batches]))),
    );
  };
  return {
    groups,
    commit,
    end: (error?: Error) => ends.shift()?.(error),
    next: () => new Promise<void>((resolve) => begun.push(resolve)),
  };
}

describe('WriteQueue', () => {
  it('writes at once when idle, and what came meanwhile together, up to the limit', async () => {
    const held = heldTransactions();
    const queue = new WriteQueue(held.commit, limits);
    let begins = held.next();
    const first = queue.write('aa');
    await begins;
    const rest = ['bb', 'cc', 'dd'].map((batch) => queue.write(batch));
    for (const expected of ['bb', 'dd']) {
      begins = held.next();
      held.end();
      await begins;
      expect(held.groups.at(-1)).toContain(expected);
    }
    held.end();
    expect(await Promise.all([first, ...rest])).toEqual(['aa', 'bb', 'cc', 'dd']);
    expect(held.groups).toEqual([['aa'], ['bb', 'cc'], ['dd']]);
  });

  it('gives a failure to all of its group and to nobody else', async () => {
    const held = heldTransactions();
    const queue = new WriteQueue(held.commit, limits);
    const begins = held.next();
    const failing = queue.write('aaaaaa');
    const next = queue.write('bb');
    await begins;
    const begun = held.next();
    held.end(new Error('disk full'));
    await expect(failing).rejects.toThrow('disk full');
    await begun;
    held.end();
    expect(await next).toBe('bb');
  });

  it('lets small batches gather after a small transaction, and writes them at once when it is closed', async () => {
    const groups: string[][] = [];
    const commit = (batches: readonly string[]): Promise<string[]> => {
      groups.push([...batches]);
      return Promise.resolve([...batches]);
    };
    const queue = new WriteQueue(commit, { ...limits, gatherMs: 60_000 });
    await queue.write('a');
    const waiting = [queue.write('b'), queue.write('c')];
    await queue.close();
    expect(await Promise.all(waiting)).toEqual(['b', 'c']);
    expect(groups).toEqual([['a'], ['b', 'c']]);
    await expect(queue.write('d')).rejects.toEqual(expect.objectContaining({ code: 'store-unavailable' }));
  });

  it('runs a task between two transactions', async () => {
    const held = heldTransactions();
    const queue = new WriteQueue(held.commit, limits);
    const order: string[] = [];
    const begins = held.next();
    const written = queue.write('aa').then(() => order.push('written'));
    const task = queue.exclusive(() => Promise.resolve(order.push('task')));
    await begins;
    expect(order).toEqual([]);
    held.end();
    await Promise.all([written, task]);
    expect(order).toEqual(['written', 'task']);
  });
});
