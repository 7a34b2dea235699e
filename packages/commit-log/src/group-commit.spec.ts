import { describe, expect, it } from '@jest/globals';
import { GroupCommit } from './group-commit.js';
import { Inbox } from './testing/inbox.js';

interface Write {
  readonly group: readonly string[];
  readonly done: () => void;
}

/** As many as the number in its name says, else one. */
const bytesOf = (item: string): number => Number(/\d+/.exec(item)?.[0] ?? 1);

function commitInto(writes: Inbox<Write>, limits = { maxItems: 3, maxBytes: 100 }): GroupCommit<string> {
  return new GroupCommit<string>(limits, bytesOf, (group, done) => writes.push({ group, done }));
}

describe('a group commit', () => {
  it('writes at once what one turn of the event loop brought, when nothing is in flight', async () => {
    const writes = new Inbox<Write>();
    const commit = commitInto(writes);
    commit.add('a');
    commit.add('b');
    expect(writes.all).toHaveLength(0);
    const [write] = await writes.count(1);
    expect(write?.group).toEqual(['a', 'b']);
  });

  it('gathers while a write is in flight, and never has two', async () => {
    const writes = new Inbox<Write>();
    const commit = commitInto(writes);
    commit.add('a');
    const [first] = await writes.count(1);
    commit.add('b');
    await new Promise(setImmediate);
    commit.add('c');
    await new Promise(setImmediate);
    expect(writes.all).toHaveLength(1);
    expect(commit.waiting).toBe(2);
    first?.done();
    expect(writes.all.map(({ group }) => group)).toEqual([['a'], ['b', 'c']]);
  });

  it('cuts what waits at both limits, in order; one that is larger than the limit goes alone', async () => {
    const writes = new Inbox<Write>();
    const commit = commitInto(writes);
    for (const item of ['a60', 'b60', 'huge500', 'c', 'd', 'e', 'f']) commit.add(item);
    for (let n = 1; n <= 5; n += 1) (await writes.count(n))[n - 1]?.done();
    expect(writes.all.map(({ group }) => group)).toEqual([
      ['a60'],
      ['b60'],
      ['huge500'],
      ['c', 'd', 'e'],
      ['f'],
    ]);
  });

  it('is idle when nothing waits and nothing is in flight', async () => {
    const writes = new Inbox<Write>();
    const commit = commitInto(writes);
    await commit.idle();
    commit.add('a');
    const steps: string[] = [];
    const idle = commit.idle().then(() => steps.push('idle'));
    const [write] = await writes.count(1);
    steps.push('done');
    write?.done();
    await idle;
    expect(steps).toEqual(['done', 'idle']);
  });

  it('gives back what is in no write yet', async () => {
    const writes = new Inbox<Write>();
    const commit = commitInto(writes);
    commit.add('a');
    const [write] = await writes.count(1);
    commit.add('b');
    expect(commit.withdraw()).toEqual(['b']);
    write?.done();
    await commit.idle();
    expect(writes.all).toHaveLength(1);
  });
});
