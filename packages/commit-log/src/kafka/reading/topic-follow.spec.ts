import { afterEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { fetchV12 } from '@platformatic/kafka';
import { Inbox } from '../../testing/inbox.js';
import type { ClusterView } from '../protocol/cluster-view.js';
import { NO_ERROR } from '../protocol/protocol-codes.js';
import { TopicFollow } from './topic-follow.js';

const TOPIC: LogTopic = 'fieldgate.devices.v1';
const NOT_LEADER_OR_FOLLOWER = 6;

/** One broker that says it leads everything, and then of partition 0 that it does not. */
function open(partitions: number) {
  const steps = new Inbox<string>();
  const fetch = async (wanted: readonly number[]): Promise<unknown> => {
    const number = steps.all.length;
    steps.push(`fetch ${wanted.join(',')}`);
    // a long poll, as long as nothing is wrong
    if (!wanted.includes(0)) await steps.until((all) => all.slice(number).includes('refresh'));
    return {
      responses: [
        {
          partitions: wanted.map((partitionIndex) => ({
            partitionIndex,
            errorCode: partitionIndex === 0 ? NOT_LEADER_OR_FOLLOWER : NO_ERROR,
            highWatermark: 0n,
            records: [],
          })),
        },
      ],
    };
  };
  const offsets = Array.from({ length: partitions }, (_, partitionIndex) => ({
    partitionIndex,
    errorCode: NO_ERROR,
    offset: 0n,
  }));
  const connection = {
    usable: true,
    destroy: () => {},
    ask: (api: unknown, ...request: unknown[]) => {
      if (api !== fetchV12.api) return Promise.resolve({ topics: [{ partitions: offsets }] });
      const [topic] = request[6] as [{ partitions: { partition: number }[] }]; // as fetch-records.ts asks
      return fetch(topic.partitions.map(({ partition }) => partition));
    },
  };
  const cluster = {
    isClosed: false,
    partitionsOf: () => partitions,
    leaderOf: () => 1,
    question: () => Promise.resolve(connection),
    open: () => Promise.resolve(connection),
    refresh: () => {
      steps.push('refresh');
      return Promise.resolve();
    },
  } as unknown as ClusterView; // all that a follow asks of it
  const failed = new Inbox<unknown>();
  const follow = new TopicFollow(cluster, TOPIC, { handle: () => {}, failed: failed.push });
  return { follow, steps };
}

describe('a follow', () => {
  let follow: TopicFollow | undefined;
  afterEach(() => follow?.stop());

  it('asks again for a partition that went wrong only when the cluster has told where it is', async () => {
    const subject = open(1);
    ({ follow } = subject);
    await follow.start('earliest');
    expect((await subject.steps.count(5)).slice(0, 5)).toEqual([
      'fetch 0',
      'refresh',
      'fetch 0',
      'refresh',
      'fetch 0',
    ]);
  });

  it('goes on with the other partitions meanwhile', async () => {
    const subject = open(2);
    ({ follow } = subject);
    await follow.start('earliest');
    expect((await subject.steps.count(4)).slice(0, 4)).toEqual([
      'fetch 0,1',
      'fetch 1',
      'refresh',
      'fetch 0,1',
    ]);
  });
});
