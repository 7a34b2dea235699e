import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Inbox } from '../../testing/inbox.js';
import { queueOfOne } from '../../testing/queue-of-one.js';
import { StalledPartitions } from './stalled-partitions.js';

it('waits longer and longer for a cluster that is away, and not for long once it answers', async () => {
  const pauses: number[] = [];
  const released = new Inbox<number>();
  const stopping = new AbortController();
  let failing = 10;
  const queue = queueOfOne();
  const stalled = new StalledPartitions({
    cluster: {
      leaderOf: () => 1,
      open: () => Promise.reject(new Error('not asked for')),
      refresh: () => (failing-- > 0 ? Promise.reject(new Error('away')) : Promise.resolve()),
    },
    logger: pino({ level: 'silent' }),
    signal: stopping.signal,
    release: () => released.push(pauses.length),
    wait: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  });
  stalled.hold(queue, 'no answer');
  expect(await released.count(1)).toEqual([11]);
  expect(Math.max(...pauses)).toBe(1_000);
  stalled.hold(queue, 'NOT_LEADER_OR_FOLLOWER'); // Kafka is back, and has no leader for it yet
  await released.count(2);
  expect(pauses.slice(11)).toEqual([250]);
  stopping.abort();
});
