import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { pino } from 'pino';
import type { CommitLog } from '../../commit-log.js';
import { appended } from '../../log-writer.js';
import { Member, uniqueGroup } from '../../testing/contract/subject.js';
import { createKafkaLog } from '../kafka-log.js';

/** Set by the global set-up of the services' tests. */
const brokers = (process.env['FIELDGATE_TEST_KAFKA'] ?? '').split(',');
const TOPIC: LogTopic = 'fieldgate.dead-letters.v1';
const TIMEOUT_MS = 60_000;

let log: CommitLog;
let admin: Admin;
const lines: string[] = [];

beforeAll(async () => {
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  log = createKafkaLog({ brokers, clientId: 'cut', clock: systemClock, logger });
  await log.start();
  admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
}, TIMEOUT_MS);

afterAll(async () => {
  await admin?.disconnect();
  await log?.stop();
}, TIMEOUT_MS);

it(
  'a group that had come further than the log goes now reads all of it, and says so once',
  async () => {
    const group = uniqueGroup();
    const append = (): ReturnType<typeof appended> =>
      appended(log.writer, { topic: TOPIC, key: 'device-1', value: Buffer.from('x') });
    const { partition, offset } = await append();
    const beyond = offset + 5_000; // as when a lone broker has lost its last writes
    await admin.setOffsets({
      groupId: group,
      topic: TOPIC,
      partitions: [{ partition, offset: `${beyond}` }],
    });
    for (let times = 0; times < 2; times++) {
      const member = await new Member(log, group, (record) => record.partition === partition).start([TOPIC]);
      const wanted = times === 0 ? offset : (await append()).offset;
      await member.records.until((all) => all.some((record) => record.offset === wanted));
      await member.stop();
    }
    const told = lines.filter((line) => line.includes('topic ends')).map((line) => JSON.parse(line));
    expect(told).toEqual([
      expect.objectContaining({ group, topic: TOPIC, partition, from: beyond, end: offset + 1 }),
    ]);
  },
  TIMEOUT_MS,
);
