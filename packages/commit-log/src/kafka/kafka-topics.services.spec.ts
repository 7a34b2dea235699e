import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { FieldgateError, LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import { pino } from 'pino';
import { startKafkaCluster, type KafkaCluster } from '../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../commit-log.js';
import { appended } from '../log-writer.js';
import { createKafkaLog, type KafkaLogOptions } from './kafka-log.js';
import { MAX_MESSAGE_BYTES } from './topic-faults.js';

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
  }, TIMEOUT_MS);

  afterAll(async () => {
    await admin?.disconnect();
    await cluster?.stop();
  }, TIMEOUT_MS);

  const opened: CommitLog[] = [];
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.stop();
  });

  const open = (options: Partial<KafkaLogOptions> = {}): CommitLog => {
    const log = createKafkaLog({
      brokers: cluster.bootstrap,
      clientId: 'topics',
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      ...options,
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

  /** It knows a topic a little after it has made it. */
  const create = async (topics: ITopicConfig[]): Promise<void> => {
    await admin.createTopics({ waitForLeaders: false, topics });
    const isKnown = (): Promise<boolean> =>
      admin.fetchTopicMetadata({ topics: topics.map(({ topic: name }) => name) }).then(
        () => true,
        () => false,
      );
    while (!(await isKnown())) await new Promise(setImmediate);
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
    'waits for the brokers that are named before it creates anything, and says for how many',
    async () => {
      const log = open({ brokers: [...cluster.bootstrap, '127.0.0.1:1', '127.0.0.1:2'] });
      const starting = log.start().then(
        () => 'started',
        (error: FieldgateError) => error.code,
      );
      while (log.problem() === undefined) await new Promise(setImmediate);
      expect(log.problem()).toMatch(/cannot be used yet: waiting for 3 brokers, 1 answer/);
      await log.stop();
      expect(await starting).toBe('log-unavailable');
      expect((await admin.listTopics()).filter((topic) => topic.startsWith('fieldgate'))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses topics that would break a promise, naming what is and what must be',
    async () => {
      await create([
        { topic: 'fieldgate.sessions.v1', numPartitions: 8 }, // cleanup.policy=delete: sessions would expire
        topic('fieldgate.telemetry.v1', 3),
        topic('fieldgate.alerts.v1', 11),
      ]);
      const log = open();
      const error = await log.start().then(
        () => undefined,
        (reason: FieldgateError) => reason,
      );
      expect(error?.code).toBe('log-misconfigured');
      expect(error?.message).toContain('fieldgate.sessions.v1 has cleanup.policy=delete, it must be compact');
      expect(error?.message).toContain(
        'fieldgate.sessions.v1 has max.message.bytes=1048588, set it to 1050624',
      );
      expect(error?.message).toContain('fieldgate.telemetry.v1 has 3 partitions, it must have at least 8');
      expect(error?.message).toContain(
        'same number of partitions, but fieldgate.telemetry.v1 has 3, fieldgate.alerts.v1 has 11, fieldgate.sessions.v1 has 8',
      );
      await remove(['fieldgate.sessions.v1', 'fieldgate.telemetry.v1', 'fieldgate.alerts.v1']);
    },
    TIMEOUT_MS,
  );

  it(
    'creates what is missing with as many partitions as the other topics of devices have, and uses them all',
    async () => {
      await create([topic('fieldgate.alerts.v1', 11)]);
      const log = open();
      await log.start();
      const bounds = await log.reader.bounds('fieldgate.commands.v1');
      const used = new Set(
        Array.from({ length: 200 }, (_, n) => log.reader.partitionOf('fieldgate.commands.v1', `device-${n}`)),
      );
      expect(bounds).toHaveLength(11);
      expect(used.size).toBe(11);
      expect(await log.reader.bounds('fieldgate.gateways.v1')).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    'warns once at the start of topics that one lost broker takes away',
    async () => {
      const lines: string[] = [];
      const log = open({ logger: pino({ level: 'warn' }, { write: (line) => lines.push(line) }) });
      await log.start();
      const warnings = lines.filter((line) => !line.includes('kafka is waited for')); // new topics are known a little later
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain('one lost broker loses records or stops appends');
      expect(warnings[0]).toContain('fieldgate.telemetry.v1: replication factor 1, min.insync.replicas 1');
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
      await admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: 'fieldgate.alerts.v1',
            configEntries: [{ name: 'max.message.bytes', value: '4000' }],
          },
        ],
      });
      const large = { topic: 'fieldgate.alerts.v1', key: 'device-1', value: Buffer.alloc(5_000) } as const;
      while (await appended(log.writer, large).then(Boolean, () => false)); // until the broker knows of it
      const before = await appended(log.writer, { ...large, value: null });
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
      expect(offsets).toEqual(Array.from({ length: 99 }, (_, n) => before.offset + 1 + n));
    },
    TIMEOUT_MS,
  );
});

/** As an operator would create it by hand, right in everything but its partitions. */
function topic(name: LogTopic, numPartitions: number): ITopicConfig {
  const configEntries = [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
  ];
  return { topic: name, numPartitions, configEntries };
}
