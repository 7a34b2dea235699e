import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import {
  startKafkaCluster,
  type KafkaCluster,
  type KafkaNode,
} from '../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../commit-log.js';
import { HANDLED } from '../log-reader.js';
import { appended } from '../log-writer.js';
import { Inbox } from '../testing/inbox.js';
import { createKafkaLog, type KafkaLogOptions } from './kafka-log.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const KEYS = Array.from({ length: 60 }, (_, index) => `device-${index}`);
const DELIVERY_TIMEOUT_MS = 3_000;
const TIMEOUT_MS = 120_000;

describe('the Kafka log, while brokers are away', () => {
  let cluster: KafkaCluster;
  let log: CommitLog;
  let leaders: ReadonlyMap<number, number>;

  /** One replica of each partition, so that a broker that is away takes its partitions with it, and no others. */
  const open = (options: Partial<KafkaLogOptions> = {}): CommitLog =>
    createKafkaLog({
      brokers: cluster.bootstrap,
      clientId: 'outage',
      replicationFactor: 1,
      deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
      clock: systemClock,
      logger: pino({ level: 'silent' }),
      ...options,
    });

  beforeAll(async () => {
    cluster = await startKafkaCluster({ nodes: 3 });
    log = open();
    await log.start();
  }, TIMEOUT_MS);

  beforeEach(async () => {
    leaders = await leadersOf(cluster);
  }, TIMEOUT_MS);

  const cleanUps: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    for (const node of cluster.nodes) node.thaw(); // also when a test ends early
  });

  afterAll(async () => {
    await log?.stop();
    await cluster?.stop();
  }, TIMEOUT_MS);

  const append = (key: string): Promise<number> => {
    const from = performance.now();
    return appended(log.writer, { topic: TOPIC, key, value: Buffer.from(key) }).then(
      () => performance.now() - from,
    );
  };
  const ledBy = (nodeId: number): string[] =>
    KEYS.filter((key) => leaders.get(log.reader.partitionOf(TOPIC, key)) === nodeId);

  it(
    'holds back only the partitions of a broker that does not answer, says so, and goes on by itself',
    async () => {
      const [frozen] = cluster.nodes;
      if (frozen === undefined) throw new Error('there are three');
      await until(() => Promise.all(KEYS.map(append))); // every broker knows what it leads
      frozen.freeze();
      await until(() => isStopped(frozen)); // a busy machine takes its time to deliver the signal
      const away = ledBy(frozen.id);
      const here = KEYS.filter((key) => !away.includes(key));
      const held = away.map((key) =>
        append(key).then(
          () => 'durable',
          (error: { code: string }) => error.code,
        ),
      );
      for (const key of here) expect(await append(key)).toBeLessThan(DELIVERY_TIMEOUT_MS / 2);
      expect(new Set(await Promise.all(held))).toEqual(new Set(['log-unavailable']));
      expect(log.problem()).toMatch(/partitions have no leader|fieldgate\.telemetry\.v1/);
      frozen.thaw();
      await cluster.untilReady();
      await until(() => Promise.all(away.map(append)));
      expect(log.problem()).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    'keeps following and consuming through a broker that dies and comes back',
    async () => {
      const followed = new Inbox<string>();
      const consumed = new Inbox<string>();
      const failed = (error: unknown): never => {
        throw new Error('nothing here may end', { cause: error });
      };
      await log.reader.follow(
        TOPIC,
        'latest',
        (records) => followed.push(...records.map(({ value }) => String(value))),
        { failed },
      );
      await log.reader.consume(
        'fieldgate.outage',
        [TOPIC],
        (batch) => {
          consumed.push(...batch.records.map(({ value }) => String(value)));
          return Promise.resolve(HANDLED);
        },
        failed,
      );
      const [, , killed] = cluster.nodes;
      if (killed === undefined) throw new Error('there are three');
      await say('before');
      await Promise.all([arrived(followed, 'before'), arrived(consumed, 'before')]);
      await killed.kill();
      await killed.start();
      await until(() => Promise.all(KEYS.map(append)));
      await say('after');
      await Promise.all([arrived(followed, 'after'), arrived(consumed, 'after')]);
    },
    TIMEOUT_MS,
  );

  it(
    'stops within its grace when a group member cannot leave, and what the other brokers take still settles',
    async () => {
      const own = open();
      cleanUps.push(() => own.stop());
      await own.start();
      const stuck = new Inbox<unknown>();
      await own.reader.consume(
        'fieldgate.stuck',
        [TOPIC],
        (batch) => {
          stuck.push(batch);
          return new Promise(() => {}); // a handler that waits for something that is away
        },
        (error) => stuck.push(error),
      );
      await stuck.count(1);
      const [frozen] = cluster.nodes;
      if (frozen === undefined) throw new Error('there are three');
      frozen.freeze();
      await until(() => isStopped(frozen));
      const [away = ''] = ledBy(frozen.id);
      const here = KEYS.find((key) => !ledBy(frozen.id).includes(key)) ?? '';
      const settled = [away, here].map((key) =>
        appended(own.writer, { topic: TOPIC, key, value: Buffer.from(key) }).then(
          () => 'durable',
          (error: { code: string }) => error.code,
        ),
      );
      const from = performance.now();
      await own.stop(1_500);
      expect(performance.now() - from).toBeLessThan(2_500);
      expect(await Promise.all(settled)).toEqual(['log-unavailable', 'durable']);
      frozen.thaw();
      await cluster.untilReady();
      await until(() => hasNoMembers(cluster, 'fieldgate.stuck'));
    },
    TIMEOUT_MS,
  );

  it(
    'waits for a Kafka that is away at the start, says so, and stops when it is told to',
    async () => {
      const lost = open({ brokers: ['127.0.0.1:1'] });
      cleanUps.push(() => lost.stop());
      const starting = lost.start().then(
        () => 'started',
        (error: { code: string }) => error.code,
      );
      await until(() =>
        lost.problem() === undefined ? Promise.reject(new Error('not yet')) : Promise.resolve(),
      );
      expect(lost.problem()).toMatch(/127\.0\.0\.1:1 cannot be used yet: .*ECONNREFUSED/);
      await lost.stop();
      expect(await starting).toBe('log-unavailable');
    },
    TIMEOUT_MS,
  );

  async function say(word: string): Promise<void> {
    await Promise.all(
      KEYS.map((key) => appended(log.writer, { topic: TOPIC, key, value: Buffer.from(`${word} ${key}`) })),
    );
  }

  function arrived(inbox: Inbox<string>, word: string): Promise<unknown> {
    return inbox.until((all) => KEYS.every((key) => all.includes(`${word} ${key}`)));
  }
});

async function leadersOf(cluster: KafkaCluster): Promise<ReadonlyMap<number, number>> {
  const admin = adminOf(cluster);
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  await admin.disconnect();
  return new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]));
}

async function hasNoMembers(cluster: KafkaCluster, group: string): Promise<void> {
  const admin = adminOf(cluster);
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([group]);
    if (groups[0]?.members.length !== 0) throw new Error('some are left');
  } finally {
    await admin.disconnect();
  }
}

function adminOf(cluster: KafkaCluster): Admin {
  return new kafkajs.Kafka({ brokers: [...cluster.bootstrap], logLevel: kafkajs.logLevel.NOTHING }).admin();
}

async function isStopped({ pid }: KafkaNode): Promise<void> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  if (!stdout.startsWith('T')) throw new Error('it still runs');
}

/** Tries again at once: each try is a question to a broker, which takes its time. */
async function until(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const done = await attempt().then(
      () => true,
      () => false, // not yet; the test's own time limit ends it
    );
    if (done) return;
    await new Promise(setImmediate);
  }
}
