import { afterEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { fetchV12 } from '@platformatic/kafka';
import type { LogRecord } from '../../log-record.js';
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

/** Brokers that say what they are asked; who leads each partition is told by `leaders`, of which nobody tells the follow. */
function openWith(leaders: (number | undefined)[], whileBoundsAreAsked: () => void = () => undefined) {
  const held = { records: 0 }; // of partition 0
  const refuses = { connections: 0 }; // so many from now on
  const handed = new Inbox<number>();
  const steps = new Inbox<string>();
  const waiting = new Inbox<() => void>();
  const connectionTo = (nodeId: number) => ({
    usable: true,
    destroy: () => waiting.all.forEach((answer) => answer()),
    ask: async (api: unknown, ...request: unknown[]): Promise<unknown> => {
      const partitions = leaders.map((_, partitionIndex) => ({
        partitionIndex,
        errorCode: NO_ERROR,
        offset: 0n,
      }));
      if (api !== fetchV12.api) {
        whileBoundsAreAsked();
        return { topics: [{ partitions }] };
      }
      const [topic] = request[6] as [{ partitions: { partition: number }[] }]; // as fetch-records.ts asks
      const wanted = topic.partitions.map(({ partition }) => partition);
      steps.push(`${nodeId}: ${wanted.join(',')}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
      const answers = wanted.map((partitionIndex) => {
        const isEmpty = partitionIndex !== 0 || held.records === 0;
        return {
          partitionIndex,
          errorCode: NO_ERROR,
          highWatermark: 0n,
          records: isEmpty ? [] : [batchOf(held.records)],
        };
      });
      return { responses: [{ partitions: answers }] };
    },
  });
  const cluster = {
    isClosed: false,
    partitionsOf: () => leaders.length,
    leaderOf: (_: LogTopic, partition: number) => leaders[partition],
    question: () => Promise.resolve(connectionTo(1)),
    open: (nodeId: number) =>
      refuses.connections-- > 0
        ? Promise.reject(new Error('refused'))
        : Promise.resolve(connectionTo(nodeId)),
    refresh: () => {
      steps.push('refresh');
      return Promise.resolve();
    },
  } as unknown as ClusterView; // all that a follow asks of it
  const handle = (records: readonly LogRecord[]): void => handed.push(...records.map(({ offset }) => offset));
  const follow = new TopicFollow(cluster, TOPIC, { handle, failed: () => {} });
  return {
    follow,
    held,
    refuses,
    handed,
    steps,
    answer: async (number: number) => (await waiting.count(number))[number - 1]?.(),
  };
}

/** Of the first so many records, as a fetch brings it. */
function batchOf(count: number) {
  const records = Array.from({ length: count }, (_, offsetDelta) => ({ offsetDelta, timestampDelta: 0n }));
  return { firstOffset: 0n, lastOffsetDelta: count - 1, attributes: 0, firstTimestamp: 0n, records };
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

  it('goes to the leader that somebody else has learnt of, although its own has given no error', async () => {
    const leaders: (number | undefined)[] = [1];
    const { steps, answer, ...subject } = openWith(leaders);
    ({ follow } = subject);
    await follow.start('earliest');
    await steps.count(1);
    leaders[0] = 2;
    await answer(1);
    expect(await steps.count(2)).toEqual(['1: 0', '2: 0']);
    leaders[0] = undefined;
    await answer(2);
    await steps.count(3);
    leaders[0] = 1;
    expect((await steps.until((all) => all.includes('1: 0', 3))).slice(2)).toContain('refresh');
  });

  it('goes to that leader also while its own leads something else', async () => {
    const leaders: (number | undefined)[] = [1, 1];
    const { steps, answer, ...subject } = openWith(leaders);
    ({ follow } = subject);
    await follow.start('earliest');
    await steps.count(1);
    leaders[0] = 2;
    await answer(1);
    expect(new Set(await steps.count(3))).toEqual(new Set(['1: 0,1', '1: 1', '2: 0']));
  });

  it('looks for a leader while its own leads something else', async () => {
    const leaders: (number | undefined)[] = [1, 1];
    const { steps, answer, ...subject } = openWith(leaders);
    ({ follow } = subject);
    await follow.start('earliest');
    await steps.count(1);
    leaders[0] = undefined;
    await answer(1);
    await steps.until((all) => all.includes('refresh'));
    leaders[0] = 2;
    await steps.until((all) => all.includes('2: 0'));
  });

  it('looks for a leader that is lost while it is decided where the partitions begin', async () => {
    const leaders: (number | undefined)[] = [1];
    const { steps, ...subject } = openWith(leaders, () => (leaders[0] = undefined));
    ({ follow } = subject);
    await follow.start('earliest');
    await steps.count(1);
    leaders[0] = 1;
    await steps.until((all) => all.includes('1: 0'));
  });

  it('asks a broker again that did not answer once, while nobody leads another partition', async () => {
    const leaders: (number | undefined)[] = [1, 1];
    const { steps, refuses, ...subject } = openWith(leaders, () => (leaders[1] = undefined));
    ({ follow } = subject);
    refuses.connections = 1;
    await follow.start('earliest');
    await steps.until((all) => all.includes('1: 0'));
  });

  it('begins anew with a topic that was made again, and takes no answer of before for one of it', async () => {
    const { held, handed, steps, answer, ...subject } = openWith([1]);
    ({ follow } = subject);
    await follow.start('earliest');
    held.records = 3;
    await answer(1);
    expect(await handed.count(3)).toEqual([0, 1, 2]);
    await steps.count(2);
    follow.topicIsAnew(TOPIC);
    expect(follow.nextOffset(0)).toBe(0);
    held.records = 5;
    await answer(2);
    await answer(3);
    expect((await handed.count(8)).slice(3)).toEqual([0, 1, 2, 3, 4]);
  });

  it('hands over nothing twice when two brokers answer for one partition', async () => {
    const leaders: (number | undefined)[] = [1, 2];
    const { held, handed, steps, answer, ...subject } = openWith(leaders);
    ({ follow } = subject);
    await follow.start('earliest');
    expect(await steps.count(2)).toEqual(['1: 0', '2: 1']);
    leaders[0] = 2;
    await answer(2);
    expect((await steps.count(3)).at(-1)).toBe('2: 0,1');
    held.records = 2;
    await answer(1);
    expect(await handed.count(2)).toEqual([0, 1]);
    held.records = 4;
    await answer(3);
    expect(await handed.count(4)).toEqual([0, 1, 2, 3]);
  });
});
