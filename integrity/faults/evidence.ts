import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Inbox } from '@fieldgate/commit-log/testing';
import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import type { Admin, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { metric } from '../support/metrics.js';
import type { Installation, ProcessName } from './installation.js';
import type { LoggedMessage } from './oracle.js';

export const TELEMETRY: LogTopic = 'fieldgate.telemetry.v1';

const READ_WITHIN_MS = 120_000;
/** Who stops reading waits for the fetch in hand: kafkajs's own 5 s would be most of it. */
const FETCH_WAIT_MS = 200;

export type Offsets = ReadonlyMap<number, number>;

/** The end of each partition: what is read later begins there. */
export async function endsOfLog(admin: Admin, topic: LogTopic = TELEMETRY): Promise<Offsets> {
  const ends = await admin.fetchTopicOffsets(topic);
  return new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
}

/** Records that a group has not passed yet. */
export async function lagOf(admin: Admin, group: ConsumerGroup): Promise<number> {
  const ends = await endsOfLog(admin);
  const [topic] = await admin.fetchOffsets({ groupId: group, topics: [TELEMETRY] });
  const behind = (topic?.partitions ?? []).map(({ partition, offset }) => {
    return Math.max(0, (ends.get(partition) ?? 0) - Math.max(0, Number(offset)));
  });
  return behind.reduce((sum, records) => sum + records, 0);
}

/** What the log has of these devices, each partition in its order: past Fieldgate's own reading. Whatever has another key was not written for them. */
export async function readLog(
  kafka: Kafka,
  from: Offsets,
  to: Offsets,
  prefix: string,
): Promise<LoggedMessage[]> {
  const records = await readRecords(kafka, TELEMETRY, from, to);
  return records
    .filter(({ key }) => String(key).startsWith(`${prefix}-`))
    .map(({ value }) => messageOf(value));
}

/** The records of a topic between these offsets, each partition in its order. */
export async function readRecords(
  kafka: Kafka,
  topic: LogTopic,
  from: Offsets,
  to: Offsets,
): Promise<KafkaMessage[]> {
  const found: KafkaMessage[] = [];
  const missing = new Map([...to].filter(([partition, end]) => end > (from.get(partition) ?? 0)));
  const next = new Map(from);
  const done = new Inbox<true>();
  const take = async ({ batch: { partition, messages: records } }: EachBatchPayload): Promise<void> => {
    for (const record of records) {
      if (Number(record.offset) < (next.get(partition) ?? 0)) continue; // before the seek
      next.set(partition, Number(record.offset) + 1);
      found.push(record);
    }
    if ((next.get(partition) ?? 0) >= (missing.get(partition) ?? 0)) missing.delete(partition);
    if (missing.size === 0) done.push(true);
  };
  if (missing.size === 0) return found;
  const groupId = `fault-bench-${randomBytes(4).toString('hex')}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: FETCH_WAIT_MS });
  await consumer.connect();
  const deadline = new AbortController();
  try {
    await consumer.subscribe({ topic });
    await consumer.run({ autoCommit: false, eachBatch: take });
    for (const partition of to.keys())
      consumer.seek({ topic, partition, offset: String(from.get(partition) ?? 0) });
    const isRead = await Promise.race([
      done.count(1),
      pause(READ_WITHIN_MS, undefined, { signal: deadline.signal }),
    ]);
    if (isRead === undefined) throw new Error(`${topic} could not be read to its end`);
  } finally {
    deadline.abort();
    await consumer.disconnect();
  }
  return found;
}

function messageOf(value: Buffer | null): LoggedMessage {
  const record = JSON.parse(String(value)) as {
    readonly subject: string;
    readonly gateway: string;
    readonly data: { readonly readings: { readonly n: number } };
  }; // as gateways write it
  return { device: record.subject, gateway: record.gateway, n: record.data.readings.n };
}

/** The number of every point that InfluxDB has of these devices, straight from there: past Fieldgate's own reading. */
export async function readStore(
  influxUrl: string,
  database: string,
  prefix: string,
): Promise<Map<string, number[]>> {
  const query = `SELECT "n" FROM "telemetry" WHERE "device" =~ /^${prefix}-/ GROUP BY "device"`;
  const answer = await fetch(`${influxUrl}/query`, {
    method: 'POST',
    body: new URLSearchParams({ db: database, q: query }),
    signal: AbortSignal.timeout(60_000),
  });
  const body = (await answer.json()) as {
    readonly results: readonly {
      readonly error?: string;
      readonly series?: readonly {
        readonly tags: { readonly device: string };
        readonly values: readonly (readonly [string, number])[];
      }[];
    }[];
  }; // InfluxDB's own form
  const [result] = body.results;
  if (!answer.ok || result?.error !== undefined)
    throw new Error(`InfluxDB: ${answer.status} ${result?.error ?? ''}`);
  return new Map((result?.series ?? []).map(({ tags, values }) => [tags.device, values.map(([, n]) => n)]));
}

/** So is one that does not exist: the gateway has ended, or the case has switched the spool off. */
export async function spoolIsEmpty(installation: Installation, name: ProcessName): Promise<boolean> {
  const gateway = installation.of(name);
  if (!gateway.isRunning) return true;
  const url = await gateway.httpUrl();
  const samples = ['waiting_records', 'state{state="spooling"}', 'state{state="draining"}'];
  const values = await Promise.all(samples.map((sample) => metric(url, `fieldgate_spool_${sample}`)));
  return values.every((value) => value === 0);
}
