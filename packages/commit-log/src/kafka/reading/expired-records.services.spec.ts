import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { pino } from 'pino';
import { register } from 'prom-client';
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
  log = createKafkaLog({ brokers, clientId: 'expired', clock: systemClock, logger });
  await log.start();
  admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
}, TIMEOUT_MS);

afterAll(async () => {
  await admin?.disconnect();
  await log?.stop();
}, TIMEOUT_MS);

const append = (): ReturnType<typeof appended> =>
  appended(log.writer, { topic: TOPIC, key: 'device-1', value: Buffer.from('x') });
const member = (group: ConsumerGroup): Promise<Member> => new Member(log, group, () => true).start([TOPIC]);

async function counted(group: ConsumerGroup): Promise<number | undefined> {
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
    expect(await counted(group)).toBe(6);
    const told = lines.filter((line) => line.includes('records expired')).map((line) => JSON.parse(line));
    expect(told).toEqual([
      expect.objectContaining({ group, topic: TOPIC, partition, from: offset - 6, earliest: offset }),
    ]);
  },
  TIMEOUT_MS,
);
