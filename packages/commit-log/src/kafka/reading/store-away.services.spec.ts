import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { FieldgateError, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs, { type Admin } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import type { CommitLog } from '../../commit-log.js';
import { HANDLED, type LogBatch } from '../../log-reader.js';
import { appended } from '../../log-writer.js';
import { Inbox } from '../../testing/inbox.js';
import { createKafkaLog } from '../kafka-log.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
/** The session timeout is 8 s. */
const AWAY_MS = 11_000;
const brokers = (process.env['FIELDGATE_TEST_KAFKA'] ?? '').split(',');

let log: CommitLog;
let admin: Admin;
let group: ConsumerGroup;

beforeEach(async () => {
  group = `fieldgate.test-${randomUUID()}`;
  log = createKafkaLog({
    brokers,
    clientId: 'store-away',
    clock: systemClock,
    logger: pino({ level: 'silent' }),
  });
  await log.start();
  admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
});

afterEach(async () => {
  await admin.disconnect();
  await log.stop();
});

it.each([
  ['answers no', async (attempts: Inbox<Attempt>) => away(attempts)],
  ['does not answer', async (attempts: Inbox<Attempt>) => hanging(attempts)],
])(
  'a store that %s for longer than the session timeout costs no rebalance, and nothing of other partitions',
  async (_, storeAway) => {
    const waiting = `pump-${randomUUID()}`;
    const neighbour = keyElsewhere(waiting);
    const attempts = new Inbox<Attempt>();
    const assignments = new Set<LogBatch['assignment']>();
    const passed = new Inbox<string>();
    let isBack = false;
    await log.reader.consume(
      group,
      [TOPIC],
      async ({ assignment, records }) => {
        assignments.add(assignment);
        if (records.some(({ key }) => key === waiting) && !isBack) {
          attempts.push({ at: performance.now(), back: () => (isBack = true) });
          await storeAway(attempts);
        }
        passed.push(...records.map(({ key }) => key));
        return HANDLED;
      },
      (error) => passed.push(String(error)),
    );
    const value = Buffer.from('a reading');
    await appended(log.writer, { topic: TOPIC, key: waiting, value });
    await attempts.count(1);
    const [member] = await membersOf();
    const assigned = assignments.size;
    await appended(log.writer, { topic: TOPIC, key: neighbour, value });
    await passed.until((all) => all.includes(neighbour));
    expect(passed.all).not.toContain(waiting);
    await passed.until((all) => all.includes(waiting));
    expect(isBack).toBe(true);
    expect(assignments.size).toBe(assigned); // a generation more would have been a new assignment of each
    expect([...assignments].every((assignment) => assignment.isHeld() && assignment.isAlone())).toBe(true);
    expect(await membersOf()).toEqual([member]);
    expect(passed.all.filter((key) => key === waiting)).toHaveLength(1);
  },
  60_000,
);

interface Attempt {
  readonly at: number;
  back(): void;
}

/** Every batch is asked for again, until the store has been away for long enough. */
function away(attempts: Inbox<Attempt>): Promise<void> {
  const [first] = attempts.all;
  const last = attempts.all.at(-1);
  if (!first || !last || last.at - first.at <= AWAY_MS)
    return Promise.reject(new FieldgateError('store-unavailable'));
  last.back();
  return Promise.resolve();
}

/** One request, whose answer takes that long. */
async function hanging(attempts: Inbox<Attempt>): Promise<void> {
  const [first] = attempts.all;
  while (first && performance.now() - first.at <= AWAY_MS) await admin.describeGroups([group]);
  first?.back();
}

async function membersOf(): Promise<readonly string[]> {
  const { groups } = await admin.describeGroups([group]);
  expect(groups.map(({ state }) => state)).toEqual(['Stable']);
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
}

function keyElsewhere(key: string): string {
  const taken = log.reader.partitionOf(TOPIC, key);
  let other = key;
  for (let number = 0; log.reader.partitionOf(TOPIC, other) === taken; number++)
    other = `other-${number}-${key}`;
  return other;
}
