import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import { findCoordinatorV4, listOffsetsV7, offsetFetchV8 } from '@platformatic/kafka';
import type { PartitionBounds } from '../../log-reader.js';
import type { ClusterView } from './cluster-view.js';
import { codeName, NO_ERROR, unavailable } from './protocol-codes.js';

const EARLIEST = -2n;
const LATEST = -1n;
const CONSUMER = -1;
const READ_UNCOMMITTED = 0;
const GROUP_COORDINATOR = 0;
/** An election takes some seconds; whoever asks for longer than this asks a log that is away. */
const TRIES = 8;

/** The bounds of every partition of a topic, each asked of its leader. */
export function topicBounds(cluster: ClusterView, topic: LogTopic): Promise<PartitionBounds[]> {
  return boundsOf(cluster, topic, () => Array(cluster.partitionsOf(topic)).keys());
}

/** Of one, whoever leads the others; undefined when there is none of that number. */
export async function partitionBounds(
  cluster: ClusterView,
  topic: LogTopic,
  partition: number,
): Promise<PartitionBounds | undefined> {
  const known = (): number[] => (partition < cluster.partitionsOf(topic) ? [partition] : []);
  return (await boundsOf(cluster, topic, known))[0];
}

function boundsOf(
  cluster: ClusterView,
  topic: LogTopic,
  partitions: () => Iterable<number>,
): Promise<PartitionBounds[]> {
  return untilAnswered(cluster, async () => {
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions()) {
      const leader = cluster.leaderOf(topic, partition);
      if (leader === undefined) throw unavailable(`${topic}/${partition} has no leader`);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const parts = await Promise.all(
      Array.from(byLeader, ([leader, partitions]) => boundsAt(cluster, leader, topic, partitions)),
    );
    return parts.flat().sort((a, b) => a.partition - b.partition);
  });
}

async function boundsAt(
  cluster: ClusterView,
  leader: number,
  topic: LogTopic,
  partitions: readonly number[],
): Promise<PartitionBounds[]> {
  const connection = await cluster.question(leader);
  const ask = async (timestamp: bigint): Promise<ReadonlyMap<number, number>> => {
    const asked = partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp }));
    const answer = await connection.ask(listOffsetsV7.api, CONSUMER, READ_UNCOMMITTED, [
      { name: topic, partitions: asked },
    ]);
    const offsets = new Map<number, number>();
    for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
      if (errorCode !== NO_ERROR) throw unavailable(`${topic}/${partitionIndex}: ${codeName(errorCode)}`);
      offsets.set(partitionIndex, Number(offset));
    }
    return offsets;
  };
  const [earliest, latest] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
  return partitions.map((partition) => {
    const first = earliest.get(partition);
    const end = latest.get(partition);
    if (first === undefined || end === undefined) throw unavailable(`no offsets of ${topic}/${partition}`);
    return { partition, earliest: first, end };
  });
}

/** What a group has committed; partitions that it never committed are not in it. */
export async function committedOffsets(
  cluster: ClusterView,
  group: ConsumerGroup,
  topic: LogTopic,
): Promise<ReadonlyMap<number, number>> {
  return untilAnswered(cluster, async () => {
    const coordinator = await coordinatorOf(cluster, group);
    const connection = await cluster.question(coordinator);
    const partitionIndexes = Array.from({ length: cluster.partitionsOf(topic) }, (_, partition) => partition);
    const answer = await connection.ask(
      offsetFetchV8.api,
      [{ groupId: group, memberEpoch: -1, topics: [{ name: topic, partitionIndexes }] }],
      false,
    );
    const committed = new Map<number, number>();
    for (const { errorCode, topics } of answer.groups) {
      if (errorCode !== NO_ERROR) throw unavailable(`offsets of ${group}: ${codeName(errorCode)}`);
      for (const { partitionIndex, committedOffset } of topics.flatMap(({ partitions }) => partitions)) {
        if (committedOffset >= 0n) committed.set(partitionIndex, Number(committedOffset));
      }
    }
    return committed;
  });
}

async function coordinatorOf(cluster: ClusterView, group: ConsumerGroup): Promise<number> {
  const connection = await cluster.anyone();
  const answer = await connection.ask(findCoordinatorV4.api, GROUP_COORDINATOR, [group]);
  const [coordinator] = answer.coordinators;
  if (coordinator === undefined || coordinator.errorCode !== NO_ERROR) {
    throw unavailable(`coordinator of ${group}: ${coordinator ? codeName(coordinator.errorCode) : 'none'}`);
  }
  return coordinator.nodeId;
}

async function untilAnswered<T>(cluster: ClusterView, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (cluster.isClosed || attempt >= TRIES) throw unavailable('the log does not tell its offsets', error);
      await pause(backOffMs(attempt));
      await cluster.refresh().catch(() => {}); // said by problem(); the next try shows whether it matters
    }
  }
}
