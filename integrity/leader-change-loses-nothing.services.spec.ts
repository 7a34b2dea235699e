import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKafkaLog } from '../packages/commit-log/src/kafka/kafka-log.js';
import type { CommitLog } from '@fieldgate/commit-log';
import { Inbox } from '@fieldgate/commit-log/testing';
import type { LogTopic } from '@fieldgate/contracts';
import { systemClock } from '@fieldgate/service';
import kafkajs from 'kafkajs';
import { pino } from 'pino';
import { startKafkaCluster, type KafkaCluster } from '../ops/services/kafka-cluster.mjs';

const OURS: LogTopic = 'fieldgate.telemetry.v1';
const CONTROL: LogTopic = 'fieldgate.events.v1';
const DEVICES = Array.from({ length: 24 }, (_, index) => `device-${index}`);
/** Both loads must have got on by this much before a killed broker comes back, so that every leader has moved. */
const BETWEEN_KILLS = 200;
/** The control lost records in nearly every round that was measured: a second one is only run when it did not. `FIELDGATE_ROUNDS=5` runs five. */
const ROUNDS = Number(process.env['FIELDGATE_ROUNDS'] ?? 1);
const MOST_ROUNDS = Math.max(2, ROUNDS);
const TIMEOUT_MS = 120_000 * MOST_ROUNDS;

/** What was sent, in order, and what of it was acknowledged. */
interface Load {
  readonly acknowledged: Inbox<string>;
  stop(): Promise<void>;
}

describe('three brokers, each killed in turn under load', () => {
  let cluster: KafkaCluster;
  let log: CommitLog;
  let ours: Load;
  let control: Load;

  beforeAll(async () => {
    cluster = await startKafkaCluster({ nodes: 3 });
    log = createKafkaLog({
      brokers: cluster.bootstrap,
      clientId: 'integrity',
      clock: systemClock,
      logger: pino({ level: 'silent' }),
    });
    await log.start();
    ours = throughOurWriter(log);
    control = throughPlainKafkaJs(cluster.bootstrap);
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      await killEachInTurn(cluster, [ours, control]);
      const lost = await Promise.all([missing(log, OURS, ours), missing(log, CONTROL, control)]);
      const [byUs, byControl] = lost.map(({ length }) => length);
      process.stderr.write(
        `round ${round}: ${byUs} lost by our writer, ${byControl} by plain kafkajs so far\n`,
      );
      if (round >= ROUNDS && byControl !== 0) break;
    }
    await Promise.all([ours.stop(), control.stop()]);
  }, TIMEOUT_MS);

  afterAll(async () => {
    await log?.stop();
    await cluster?.stop();
  }, 60_000);

  it('keeps every record that our writer settled without an error', async () => {
    expect(ours.acknowledged.all.length).toBeGreaterThan(BETWEEN_KILLS * 3);
    expect(await missing(log, OURS, ours)).toEqual([]);
  });

  it('keeps the order of every key: a resend may repeat a record, never overtake one', async () => {
    for (const [device, texts] of await recordsByKey(log, OURS)) {
      const firstSeen = [...new Set(texts)].map(sequenceOf);
      expect({ device, firstSeen }).toEqual({ device, firstSeen: firstSeen.toSorted((a, b) => a - b) });
    }
  });

  it('can tell a loss: plain kafkajs acknowledges records that are nowhere', async () => {
    expect((await missing(log, CONTROL, control)).length).toBeGreaterThan(0);
  });
});

async function killEachInTurn(cluster: KafkaCluster, loads: readonly Load[]): Promise<void> {
  for (const node of cluster.nodes) {
    await node.kill();
    await Promise.all(
      loads.map(({ acknowledged }) => acknowledged.count(acknowledged.all.length + BETWEEN_KILLS)),
    );
    await node.start();
    await cluster.untilInSync();
  }
}

/** Always 100 appends on their way or soon to be, each device in its own order. */
function throughOurWriter(log: CommitLog): Load {
  const acknowledged = new Inbox<string>();
  const texts = endlessTexts();
  let unsettled = 0;
  let stopping = false;
  const stopped = new Inbox<true>();
  const append = (): void => {
    const { key, text } = texts();
    unsettled++;
    log.writer.append({ topic: OURS, key, value: Buffer.from(text) }, (error) => {
      unsettled--;
      if (error === undefined) acknowledged.push(text);
      if (!stopping) setTimeout(append, 20);
      else if (unsettled === 0) stopped.push(true);
    });
  };
  for (let n = 0; n < 100; n++) append();
  return {
    acknowledged,
    stop: async () => {
      stopping = true;
      await stopped.count(1);
    },
  };
}

/** What a straightforward program does, twice: batches for all partitions one after another; what a call resolves for is taken as stored. */
function throughPlainKafkaJs(brokers: readonly string[]): Load {
  const acknowledged = new Inbox<string>();
  const kafka = new kafkajs.Kafka({
    clientId: 'control',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const texts = endlessTexts();
  let stopping = false;
  const produceOneAfterAnother = async (): Promise<void> => {
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    while (!stopping) {
      const batch = Array.from({ length: DEVICES.length }, texts);
      const messages = batch.map(({ key, text }) => ({ key, value: text }));
      const stored = await producer
        .sendBatch({ acks: -1, topicMessages: [{ topic: CONTROL, messages }] })
        .then(
          () => true,
          () => false, // unknown: neither counted as stored nor sent again
        );
      if (stored) acknowledged.push(...batch.map(({ text }) => text));
    }
    await producer.disconnect();
  };
  const running = Promise.all([produceOneAfterAnother(), produceOneAfterAnother()]);
  return {
    acknowledged,
    stop: async () => {
      stopping = true;
      await running;
    },
  };
}

function endlessTexts(): () => { readonly key: string; readonly text: string } {
  let sequence = 0;
  return () => {
    const key = DEVICES[sequence % DEVICES.length] ?? '';
    return { key, text: `${key}:${sequence++}` };
  };
}

function sequenceOf(text: string): number {
  return Number(text.slice(text.indexOf(':') + 1));
}

async function missing(log: CommitLog, topic: LogTopic, load: Load): Promise<string[]> {
  const acknowledged = [...load.acknowledged.all]; // before the bounds of the log are asked for
  const stored = new Set([...(await recordsByKey(log, topic)).values()].flat());
  return acknowledged.filter((text) => !stored.has(text));
}

async function recordsByKey(log: CommitLog, topic: LogTopic): Promise<Map<string, string[]>> {
  const byKey = new Map<string, string[]>();
  for (const { partition, earliest, end } of await log.reader.bounds(topic)) {
    for await (const { key, value } of log.reader.read(topic, { partition, from: earliest, to: end })) {
      const texts = byKey.get(key) ?? [];
      byKey.set(key, texts);
      texts.push(Buffer.from(value ?? []).toString());
    }
  }
  return byKey;
}
