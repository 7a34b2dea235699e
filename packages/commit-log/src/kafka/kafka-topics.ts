import { FieldgateError, LOG_TOPICS, type LogTopic, type LogTopicSettings } from '@fieldgate/contracts';
import kafkajs, { type Admin, type ITopicConfig, type Kafka } from 'kafkajs';
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../backlog.js';

const DAY_MS = 86_400_000;
const TOPICS = Object.keys(LOG_TOPICS) as LogTopic[]; // the keys are its type
const NEW_TOPIC_TIMEOUT_MS = 10_000;
/** What a batch adds to its only record. */
const OVERHEAD_BYTES = 1_024;

/**
 * Creates the topics that are missing and checks those that exist. Rejects with `log-misconfigured` when one would break a promise:
 * `delete` where the newest record per key must stay, or fewer partitions than devices were spread over. Other errors: nobody answers.
 */
export async function prepareTopics(
  kafka: Kafka,
  options: { readonly brokers: number; readonly replicationFactor?: number },
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    await check(
      admin,
      TOPICS.filter((topic) => existing.has(topic)), // before anything is made: a cluster that is not ours stays as it is
    );
    const missing = TOPICS.filter((topic) => !existing.has(topic));
    const replicationFactor = options.replicationFactor ?? Math.min(3, options.brokers);
    if (missing.length > 0) await create(admin, missing, replicationFactor);
  } finally {
    await admin.disconnect();
  }
}

async function create(admin: Admin, topics: readonly LogTopic[], replicationFactor: number): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    timeout: NEW_TOPIC_TIMEOUT_MS,
    topics: topics.map((topic) => topicConfig(topic, LOG_TOPICS[topic], replicationFactor)),
  });
}

function topicConfig(topic: LogTopic, settings: LogTopicSettings, replicationFactor: number): ITopicConfig {
  const cleanup =
    settings.cleanup === 'delete'
      ? { 'retention.ms': settings.retentionMs }
      : { 'delete.retention.ms': DAY_MS, 'min.cleanable.dirty.ratio': 0.3, 'segment.ms': DAY_MS };
  // acknowledged by all in-sync replicas is worth as much as there must be of them
  const entries = {
    'cleanup.policy': settings.cleanup,
    'min.insync.replicas': replicationFactor >= 3 ? 2 : 1,
    'max.message.bytes': MAX_VALUE_BYTES + MAX_KEY_BYTES + OVERHEAD_BYTES,
    ...cleanup,
  };
  return {
    topic,
    numPartitions: settings.partitions,
    replicationFactor,
    configEntries: Object.entries(entries).map(([name, value]) => ({ name, value: String(value) })),
  };
}

async function check(admin: Admin, topics: readonly LogTopic[]): Promise<void> {
  if (topics.length === 0) return;
  const { topics: described } = await admin.fetchTopicMetadata({ topics: [...topics] });
  const policies = await cleanupPolicies(admin, topics);
  const wrong: string[] = [];
  for (const topic of topics) {
    const wanted = LOG_TOPICS[topic];
    const partitions = described.find(({ name }) => name === topic)?.partitions.length ?? 0;
    const policy = policies.get(topic);
    if (policy !== wanted.cleanup) {
      wrong.push(`topic ${topic} has cleanup.policy=${policy}, it must be ${wanted.cleanup}`);
    }
    if (partitions < wanted.partitions) {
      wrong.push(`topic ${topic} has ${partitions} partitions, it must have at least ${wanted.partitions}`);
    }
  }
  if (wrong.length > 0) throw new FieldgateError('log-misconfigured', wrong.join('; '));
}

async function cleanupPolicies(
  admin: Admin,
  topics: readonly LogTopic[],
): Promise<ReadonlyMap<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy'],
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [resourceName, configEntries[0]?.configValue ?? '?']),
  );
}
