import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../backlog.js';

/** What a batch adds to its only record. */
const OVERHEAD_BYTES = 1_024;
/** The largest record that `append` takes must fit into a batch of its own. */
export const MAX_MESSAGE_BYTES = MAX_VALUE_BYTES + MAX_KEY_BYTES + OVERHEAD_BYTES;
/** With these, one broker may be lost: nothing acknowledged goes with it, and appends go on. */
const SAFE_REPLICAS = 3;
const SAFE_IN_SYNC = 2;

/** A topic as it stands in Kafka. */
export interface TopicState {
  readonly topic: LogTopic;
  readonly partitions: number;
  /** Of the partition that has the fewest. */
  readonly replicas: number;
  readonly minInSync: number;
  readonly cleanup: string;
  readonly maxMessageBytes: number;
}

/** What breaks a promise of the log, each with what must be; empty when all is well. */
export function faultsOf(topics: readonly TopicState[]): string[] {
  return [...topics.flatMap(ownFaults), ...unequalPartitions(topics)];
}

/** Topics that the loss of one broker empties or stops; allowed, for development on one broker. */
export function fewReplicas(topics: readonly TopicState[]): string[] {
  return topics
    .filter(({ replicas, minInSync }) => replicas < SAFE_REPLICAS || minInSync < SAFE_IN_SYNC)
    .map(
      ({ topic, replicas, minInSync }) =>
        `${topic}: replication factor ${replicas}, min.insync.replicas ${minInSync}`,
    );
}

/** Of new topics. A broker that is named but does not answer is only away: topics would stay with fewer replicas for good. */
export function replicasFor(brokers: { readonly alive: number; readonly configured: number }): number {
  return Math.min(SAFE_REPLICAS, Math.max(brokers.alive, brokers.configured));
}

/** Of a topic that is created with so many replicas: acknowledged by all that are in sync is worth as much as there must be of them. */
export function minInSyncOf(replicas: number): number {
  return replicas >= SAFE_REPLICAS ? SAFE_IN_SYNC : 1;
}

/** For a topic that is missing: as many as the other topics of devices have, so that a device has the same partition in all of them. */
export function partitionsFor(topic: LogTopic, existing: readonly TopicState[]): number {
  const alike = isOfDevices(topic) ? existing.find((other) => isOfDevices(other.topic)) : undefined;
  return alike?.partitions ?? LOG_TOPICS[topic].partitions;
}

function ownFaults({ topic, partitions, cleanup, maxMessageBytes }: TopicState): string[] {
  const wanted = LOG_TOPICS[topic];
  const faults: string[] = [];
  if (cleanup !== wanted.cleanup)
    faults.push(`topic ${topic} has cleanup.policy=${cleanup}, it must be ${wanted.cleanup}`);
  if (partitions < wanted.partitions)
    faults.push(`topic ${topic} has ${partitions} partitions, it must have at least ${wanted.partitions}`);
  if (maxMessageBytes < MAX_MESSAGE_BYTES)
    faults.push(
      `topic ${topic} has max.message.bytes=${maxMessageBytes}, set it to ${MAX_MESSAGE_BYTES} or more`,
    );
  return faults;
}

/** They began alike, so one that differs was changed later, and its devices have moved to other partitions. That all were, shows nowhere. */
function unequalPartitions(topics: readonly TopicState[]): string[] {
  const ofDevices = topics.filter(({ topic }) => isOfDevices(topic));
  if (new Set(ofDevices.map(({ partitions }) => partitions)).size <= 1) return [];
  const counts = ofDevices.map(({ topic, partitions }) => `${topic} has ${partitions}`);
  return [`the topics of devices must have the same number of partitions, but ${counts.join(', ')}`];
}

/** The heartbeats of gateways are in one partition. */
function isOfDevices(topic: LogTopic): boolean {
  return LOG_TOPICS[topic].partitions > 1;
}
