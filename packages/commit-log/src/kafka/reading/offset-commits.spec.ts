import { describe, expect, it } from '@jest/globals';
import { Inbox } from '../../testing/inbox.js';
import { OffsetCommits, type GroupOffset } from './offset-commits.js';

const at = (offset: number): GroupOffset => ({ topic: 'fieldgate.events.v1', partition: 0, offset });

interface CommitRequest {
  readonly offsets: readonly number[];
  succeed(): void;
  fail(): void;
}

describe('the commits of a group member', () => {
  function open(pauseMs = 60_000) {
    const requests = new Inbox<CommitRequest>();
    const commits = new OffsetCommits(
      (offsets) =>
        new Promise((resolve, reject) => {
          requests.push({
            offsets: offsets.map(({ offset }) => offset),
            succeed: resolve,
            fail: () => reject(new Error('the coordinator is away')),
          });
        }),
      () => {},
      () => pauseMs,
    );
    return { commits, requests };
  }

  it('sends an offset that could not be committed again with the next request', async () => {
    const { commits, requests } = open();
    const first = commits.commit(at(5));
    (await requests.count(1))[0]?.fail();
    await first;
    const again = commits.flush();
    (await requests.count(2))[1]?.succeed();
    await again;
    expect(requests.all.map(({ offsets }) => offsets)).toEqual([[5], [5]]);
  });

  it('sends it again by itself when no other request comes', async () => {
    const { commits, requests } = open(1);
    const first = commits.commit(at(5));
    (await requests.count(1))[0]?.fail();
    await first;
    (await requests.count(2))[1]?.succeed();
    await commits.flush();
    expect(requests.all.map(({ offsets }) => offsets)).toEqual([[5], [5]]);
  });

  it('never sends an offset again whose partition was lost while its request was under way', async () => {
    const { commits, requests } = open(1);
    const first = commits.commit(at(5));
    const [request] = await requests.count(1);
    commits.forget(); // a rebalance: another member may be further by now
    request?.fail();
    await first;
    await commits.flush();
    expect(requests.all.map(({ offsets }) => offsets)).toEqual([[5]]);
  });
});
