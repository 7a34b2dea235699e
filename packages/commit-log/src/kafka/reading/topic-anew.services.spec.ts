import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { startKafkaCluster, type KafkaCluster } from '../../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../../commit-log.js';
import { appended } from '../../log-writer.js';
import { Inbox } from '../../testing/inbox.js';
import { Member, uniqueGroup } from '../../testing/contract/subject.js';
import { createKafkaLog } from '../kafka-log.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const MADE_AGAIN = 'topic was made again, it is read from its beginning';
const TIMEOUT_MS = 120_000;

/** Of its own: others would lose what they have in the topic. */
let cluster: KafkaCluster;
let log: CommitLog;
let admin: Admin;
const lines = new Inbox<string>();

beforeAll(async () => {
  cluster = await startKafkaCluster();
  const brokers = cluster.bootstrap;
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  log = createKafkaLog({ brokers, clientId: 'anew', clock: systemClock, logger });
  await log.start();
  admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
}, TIMEOUT_MS);

afterAll(async () => {
  await admin?.disconnect();
  await log?.stop();
  await cluster?.stop();
}, TIMEOUT_MS);

const append = (text: string): ReturnType<typeof appended> =>
  appended(log.writer, { topic: TOPIC, key: 'device-1', value: Buffer.from(text) });

it(
  'a group reads a topic that was deleted and made again from its beginning, however far it has come in it meanwhile',
  async () => {
    const member = await new Member(log, uniqueGroup(), () => true).start([TOPIC]);
    for (let n = 0; n < 20; n++) await append(`old ${n}`);
    await member.records.count(20);
    const { length: numPartitions } = await log.reader.bounds(TOPIC);
    await admin.deleteTopics({ topics: [TOPIC] });
    const anew = { topics: [{ topic: TOPIC, numPartitions }], waitForLeaders: false }; // a broker may not know it yet
    while (!(await admin.createTopics(anew))) await pause(50); // the old one is not gone yet
    const wanted = Array.from({ length: 30 }, (_, n) => `new ${n}`);
    await Promise.all(wanted.map(append));
    await lines.until((all) => all.some((line) => line.includes(MADE_AGAIN)));
    const { length } = member.records.all; // what comes from here on is the next membership's
    const seen = await member.records.until((all) => {
      const texts = new Set(all.slice(length).map(({ value }) => String(value)));
      return wanted.every((text) => texts.has(text));
    });
    expect(seen.slice(20).every(({ value }) => wanted.includes(String(value)))).toBe(true);

    const other = await new Member(log, member.group, () => true).start([TOPIC]);
    await other.batches.count(1); // it has got partitions: the group has been rebalanced, a moment after the topic was made
    await other.stop();
    await append('last');
    const all = await member.records.until((records) =>
      records.some(({ value }) => String(value) === 'last'),
    );
    expect(all.slice(length).map(({ value }) => String(value))).toEqual(
      expect.arrayContaining(wanted), // and each of them once
    );
    expect(all).toHaveLength(length + wanted.length + 1);
    await member.stop();
  },
  TIMEOUT_MS,
);
