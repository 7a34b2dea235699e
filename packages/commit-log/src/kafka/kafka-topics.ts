import { FieldgateError, LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import kafkajs, { type Admin, type ITopicConfig, type Kafka } from 'kafkajs';
import { unavailable } from './protocol/protocol-codes.js';
import {
  faultsOf,
  fewReplicas,
  MAX_MESSAGE_BYTES,
  minInSyncOf,
  partitionsFor,
  replicasFor,
  type TopicState,
} from './topic-faults.js';

const DAY_MS = 86_400_000;
const TOPICS = Object.keys(LOG_TOPICS) as LogTopic[]; // the keys are its type
const NEW_TOPIC_TIMEOUT_MS = 10_000;

export interface KafkaBrokers {
  /** In the cluster now. */
  readonly alive: number;
  /** Addresses in the settings. */
  readonly configured: number;
}

/**
 * Creates the topics that are missing and checks those that exist; resolves with those that have few replicas. Rejects with
 * `log-misconfigured` when one would break a promise (`topic-faults.ts` says which). Other errors: nobody answers, or too few brokers
 * for the replicas of new topics.
 */
export async function prepareTopics(
  kafka: Kafka,
  options: { readonly brokers: KafkaBrokers; readonly replicationFactor?: number },
): Promise<readonly string[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const names = new Set(await admin.listTopics());
    const existing = await statesOf(
      admin,
      TOPICS.filter((topic) => names.has(topic)),
    );
    const faults = faultsOf(existing); // before anything is made: a cluster that is not ours stays as it is
    if (faults.length > 0) throw new FieldgateError('log-misconfigured', faults.join('; '));
    const missing = TOPICS.filter((topic) => !names.has(topic));
    if (missing.length === 0) return fewReplicas(existing);
    const replicas = options.replicationFactor ?? replicasFor(options.brokers);
    const { alive } = options.brokers;
    if (alive < replicas) throw unavailable(`waiting for ${replicas} brokers, ${alive} answer`);
    const created = missing.map((topic) => newTopic(topic, replicas, existing));
    await create(admin, created);
    return fewReplicas([...existing, ...created]);
  } finally {
    await admin.disconnect();
  }
}

function newTopic(topic: LogTopic, replicas: number, existing: readonly TopicState[]): TopicState {
  return {
    topic,
    partitions: partitionsFor(topic, existing),
    replicas,
    minInSync: minInSyncOf(replicas),
    cleanup: LOG_TOPICS[topic].cleanup,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  };
}

async function create(admin: Admin, topics: readonly TopicState[]): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    timeout: NEW_TOPIC_TIMEOUT_MS,
    topics: topics.map(topicConfig),
  });
}

function topicConfig(state: TopicState): ITopicConfig {
  const { topic, partitions, replicas, minInSync, cleanup, maxMessageBytes } = state;
  const entries = {
    'cleanup.policy': cleanup,
    'min.insync.replicas': minInSync,
    'max.message.bytes': maxMessageBytes,
    ...(cleanup === 'delete'
      ? { 'retention.ms': LOG_TOPICS[topic].retentionMs }
      : { 'delete.retention.ms': DAY_MS, 'min.cleanable.dirty.ratio': 0.3, 'segment.ms': DAY_MS }),
  };
  return {
    topic,
    numPartitions: partitions,
    replicationFactor: replicas,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value: String(value) })),
  };
}

async function statesOf(admin: Admin, topics: readonly LogTopic[]): Promise<TopicState[]> {
  if (topics.length === 0) return [];
  const { topics: described } = await admin.fetchTopicMetadata({ topics: [...topics] });
  const configs = await configsOf(admin, topics);
  return topics.map((topic) => {
    const partitions = described.find(({ name }) => name === topic)?.partitions ?? [];
    const config = configs.get(topic);
    return {
      topic,
      partitions: partitions.length,
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      minInSync: Number(config?.get('min.insync.replicas')),
      cleanup: config?.get('cleanup.policy') ?? '?',
      maxMessageBytes: Number(config?.get('max.message.bytes')),
    };
  });
}

async function configsOf(
  admin: Admin,
  topics: readonly LogTopic[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy', 'min.insync.replicas', 'max.message.bytes'],
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
