import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { pino } from 'pino';
import { register } from 'prom-client';
import { startKafkaCluster, type KafkaCluster } from '../../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../../commit-log.js';
import { appended } from '../../log-writer.js';
import { Member, uniqueGroup } from '../../testing/contract/subject.js';
import { createKafkaLog } from '../kafka-log.js';

const TOPIC: LogTopic = 'fieldgate.dead-letters.v1';
const TIMEOUT_MS = 60_000;

/** Of its own: others would lose what is deleted here, and what they append would move the ends. */
let cluster: KafkaCluster;
let log: CommitLog;
let admin: Admin;
const lines: string[] = [];

beforeAll(async () => {
  cluster = await startKafkaCluster();
  const brokers = cluster.bootstrap;
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  log = createKafkaLog({ brokers, clientId: 'out-of-range', clock: systemClock, logger });
  await log.start();
  admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
}, TIMEOUT_MS);

afterAll(async () => {
  await admin?.disconnect();
  await log?.stop();
  await cluster?.stop();
}, TIMEOUT_MS);

const append = (): ReturnType<typeof appended> =>
  appended(log.writer, { topic: TOPIC, key: 'device-1', value: Buffer.from('x') });
const member = (group: ConsumerGroup): Promise<Member> => new Member(log, group, () => true).start([TOPIC]);
const said = (what: string): unknown[] =>
  lines.filter((line) => line.includes(what)).map((line) => JSON.parse(line) as unknown);

async function expired(group: ConsumerGroup): Promise<number | undefined> {
  const metric = await register.getSingleMetric('fieldgate_consumer_group_expired_records_total')?.get();
  return metric?.values.find(({ labels }) => labels['group'] === group)?.value;
}

it(
  'a group that comes back after its records have expired goes on, counts them and says so, once',
  async () => {
    const group = uniqueGroup();
    await append();
    const before = await member(group);
    await before.atEnd(TOPIC);
    await before.stop();
    for (let n = 0; n < 6; n++) await append();
    const { partition, offset } = await append();
    await admin.fetchTopicOffsets(TOPIC); // the client must have heard of the topic
    await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition, offset: String(offset) }] }); // as retention does
    for (let times = 0; times < 2; times++) {
      const again = await member(group);
      await again.atEnd(TOPIC);
      await again.stop();
    }
    expect(await expired(group)).toBe(6);
    expect(said('records expired')).toEqual([
      expect.objectContaining({ group, topic: TOPIC, partition, from: offset - 6, earliest: offset }),
    ]);
  },
  TIMEOUT_MS,
);

it(
  'a group that had come further than the log goes now reads all of it, and says so once',
  async () => {
    const group = uniqueGroup();
    const { partition, offset } = await append();
    const beyond = offset + 5_000; // as when a lone broker has lost its last writes
    await admin.setOffsets({
      groupId: group,
      topic: TOPIC,
      partitions: [{ partition, offset: `${beyond}` }],
    });
    for (let times = 0; times < 2; times++) {
      const reads = await member(group);
      const wanted = times === 0 ? offset : (await append()).offset;
      await reads.records.until((all) => all.some((record) => record.offset === wanted));
      await reads.stop();
    }
    expect(said('topic ends')).toEqual([
      expect.objectContaining({ group, topic: TOPIC, partition, from: beyond, end: offset + 1 }),
    ]);
  },
  TIMEOUT_MS,
);
