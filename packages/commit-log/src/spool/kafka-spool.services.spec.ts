import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import { pino } from 'pino';
import { startKafkaCluster, type KafkaCluster } from '../../../../ops/services/kafka-cluster.mjs';
import type { CommitLog } from '../commit-log.js';
import { createKafkaLog } from '../kafka/kafka-log.js';
import { Inbox } from '../testing/inbox.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const DEVICES = Array.from({ length: 20 }, (_, index) => `device-${index}`);
const TIMEOUT_MS = 120_000;

describe('the spool before a Kafka that freezes', () => {
  let cluster: KafkaCluster;
  let directory: string;
  let log: CommitLog;
  let settled: Inbox<string>;
  let count = 0;
  let run = 0;

  beforeAll(async () => {
    cluster = await startKafkaCluster({ nodes: 1 });
  }, TIMEOUT_MS);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-'));
    settled = new Inbox();
    count = 0;
    run += 1;
    log = await open();
  }, TIMEOUT_MS);

  afterEach(async () => {
    node().thaw();
    await log.stop();
    await rm(directory, { recursive: true });
  }, TIMEOUT_MS);

  afterAll(() => cluster?.stop(), TIMEOUT_MS);

  const node = (): KafkaCluster['nodes'][number] => {
    const [first] = cluster.nodes;
    if (!first) throw new Error('there is one');
    return first;
  };

  async function open(): Promise<CommitLog> {
    const opened = createKafkaLog({
      brokers: cluster.bootstrap,
      clientId: 'spool',
      spool: {
        directory,
        afterMs: 500,
        maxBytes: 64 * 1024 * 1024,
        maxAgeMs: 3_600_000,
        drainRecordsPerSecond: 100_000,
      },
      clock: systemClock,
      logger: pino({ level: 'silent' }),
    });
    await opened.start();
    return opened;
  }

  /** One message of each device. */
  function appendRound(): void {
    const text = `${run}-${String((count += 1)).padStart(6, '0')}`;
    for (const key of DEVICES)
      log.ingest.append({ topic: TOPIC, key, value: Buffer.from(text) }, (error, at) =>
        settled.push(`${key} ${text} ${error?.code ?? (at === undefined ? 'spooled' : 'log')}`),
      );
  }

  /** A Kafka that has just started is slow now and then. */
  async function untilLogAnswers(): Promise<void> {
    do {
      await untilState('direct');
      appendRound();
      await settled.count(DEVICES.length * count);
    } while (!settled.all.slice(-DEVICES.length).every((line) => line.endsWith('log')));
  }

  async function untilState(state: string): Promise<void> {
    while (log.spool()?.state !== state) await new Promise((resolve) => setTimeout(resolve, 20)); // the test's limit ends it
  }

  /** The texts of each device in the order in which they first stand in the log, and how many there are in all. */
  async function stored(): Promise<ReadonlyMap<string, readonly string[]>> {
    const texts = new Map<string, Set<string>>(DEVICES.map((key) => [key, new Set()]));
    for (const { partition, earliest, end } of await log.reader.bounds(TOPIC))
      for await (const { key, value } of log.reader.read(TOPIC, { partition, from: earliest, to: end }))
        texts.get(key)?.add(String(value));
    return new Map([...texts].map(([key, ofKey]) => [key, [...ofKey]]));
  }

  async function expectAllInOrder(): Promise<void> {
    const acknowledged = settled.all.filter((line) => !line.includes('unavailable'));
    const inLog = await stored();
    for (const line of acknowledged) {
      const [key = '', text] = line.split(' ');
      expect(inLog.get(key)).toContain(text);
    }
    for (const [key, texts] of inLog) expect({ key, texts }).toEqual({ key, texts: texts.toSorted() });
  }

  it(
    'acknowledges from the disk, and has everything in the log in order when Kafka is back',
    async () => {
      await untilLogAnswers();
      const before = settled.all.length;
      node().freeze();
      for (let round = 0; round < 50; round += 1) appendRound();
      await settled.count(before + 1_000);
      expect(settled.all.slice(before).every((line) => line.endsWith('spooled'))).toBe(true);
      expect(log.spool()).toMatchObject({ state: 'spooling', records: 1_000 });
      node().thaw();
      await untilLogAnswers();
      await expectAllInOrder();
    },
    TIMEOUT_MS,
  );

  it(
    'keeps what it holds when it is stopped meanwhile, and brings it first when it starts again',
    async () => {
      await untilLogAnswers();
      const before = settled.all.length;
      node().freeze();
      for (let round = 0; round < 10; round += 1) appendRound();
      await log.stop(100);
      expect(settled.all.slice(before).filter((line) => line.endsWith('spooled'))).toHaveLength(200);
      node().thaw();
      log = await open();
      await untilLogAnswers();
      await expectAllInOrder();
    },
    TIMEOUT_MS,
  );
});
