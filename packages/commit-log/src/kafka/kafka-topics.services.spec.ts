import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { FieldgateError, LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { pino } from 'pino';
import { startKafkaCluster, type KafkaCluster } from '../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../commit-log.js';
import { appended } from '../log-writer.js';
import { createKafkaLog } from './kafka-log.js';

const TIMEOUT_MS = 60_000;

describe('the topics of the Kafka log', () => {
  let cluster: KafkaCluster;
  let admin: Admin;

  beforeAll(async () => {
    cluster = await startKafkaCluster({ nodes: 1 });
    admin = new kafkajs.Kafka({
      brokers: [...cluster.bootstrap],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic: 'fieldgate.alerts.v1',
          numPartitions: 8,
          configEntries: [{ name: 'max.message.bytes', value: '4000' }],
        },
      ],
    });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await admin?.disconnect();
    await cluster?.stop();
  }, TIMEOUT_MS);

  const opened: CommitLog[] = [];
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.stop();
  });

  const open = (): CommitLog => {
    const log = createKafkaLog({
      brokers: cluster.bootstrap,
      clientId: 'topics',
      clock: systemClock,
      logger: pino({ level: 'silent' }),
    });
    opened.push(log);
    return log;
  };

  /** The broker forgets a topic a little after it has promised to. */
  const remove = async (topics: string[]): Promise<void> => {
    await admin.deleteTopics({ topics });
    while ((await admin.listTopics()).some((topic) => topics.includes(topic)))
      await new Promise(setImmediate);
  };

  const configOf = async (name: LogTopic): Promise<Record<string, string>> => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
    });
    return Object.fromEntries(
      (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
    );
  };

  it(
    'refuses a topic with the wrong clean-up or too few partitions, naming what is and what must be',
    async () => {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          { topic: 'fieldgate.sessions.v1', numPartitions: 8 }, // cleanup.policy=delete: sessions would expire
          {
            topic: 'fieldgate.telemetry.v1',
            numPartitions: 3,
            configEntries: [{ name: 'cleanup.policy', value: 'delete' }],
          },
        ],
      });
      const log = open();
      const error = await log.start().then(
        () => undefined,
        (reason: FieldgateError) => reason,
      );
      expect(error?.code).toBe('log-misconfigured');
      expect(error?.message).toContain('fieldgate.sessions.v1 has cleanup.policy=delete, it must be compact');
      expect(error?.message).toContain('fieldgate.telemetry.v1 has 3 partitions, it must have at least 8');
      await remove(['fieldgate.sessions.v1', 'fieldgate.telemetry.v1']);
    },
    TIMEOUT_MS,
  );

  it(
    'uses as many partitions as there are, and keeps what is configured already',
    async () => {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic: 'fieldgate.commands.v1', numPartitions: 11 }],
      });
      const log = open();
      await log.start();
      const bounds = await log.reader.bounds('fieldgate.commands.v1');
      const used = new Set(
        Array.from({ length: 200 }, (_, n) => log.reader.partitionOf('fieldgate.commands.v1', `device-${n}`)),
      );
      expect(bounds).toHaveLength(11);
      expect(used.size).toBe(11);
    },
    TIMEOUT_MS,
  );

  it(
    'creates what is missing with its clean-up and retention',
    async () => {
      const log = open();
      await log.start();
      expect(await configOf('fieldgate.telemetry.v1')).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': '604800000',
        'min.insync.replicas': '1',
      });
      expect(await configOf('fieldgate.devices.v1')).toMatchObject({
        'cleanup.policy': 'compact',
        'delete.retention.ms': '86400000',
      });
    },
    TIMEOUT_MS,
  );

  it(
    'finds the one record that the broker refuses, and keeps its neighbours in their order',
    async () => {
      const log = open();
      await log.start();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 100 }, (_, n) =>
          appended(log.writer, {
            topic: 'fieldgate.alerts.v1',
            key: 'device-1',
            value: Buffer.alloc(n === 41 ? 5_000 : 300, n),
          }),
        ),
      );
      const refused = outcomes.flatMap((outcome, n) =>
        outcome.status === 'rejected' ? [[n, outcome.reason]] : [],
      );
      expect(refused).toEqual([[41, expect.objectContaining({ code: 'record-refused', retriable: false })]]);
      const offsets = outcomes.flatMap((outcome) =>
        outcome.status === 'fulfilled' ? [outcome.value.offset] : [],
      );
      expect(offsets).toEqual(Array.from({ length: 99 }, (_, n) => n));
    },
    TIMEOUT_MS,
  );
});
