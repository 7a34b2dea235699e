import { produceV9, type MessageRecord } from '@platformatic/kafka';
import type { BrokerConnection } from './broker-connection.js';
import type { PartitionQueue, PendingRecord } from './partition-queue.js';

/** Answered when all in-sync replicas have the records, and only when these are at least `min.insync.replicas`. */
const ALL_IN_SYNC_REPLICAS = -1;
/** The CloudEvents Kafka binding's mark of a structured event; the only header, because each costs. */
const HEADERS = new Map([[Buffer.from('content-type'), Buffer.from('application/cloudevents+json')]]);

export interface Share {
  readonly queue: PartitionQueue;
  readonly records: readonly PendingRecord[];
}

export interface PartitionAnswer {
  readonly code: number;
  readonly baseOffset: number;
  readonly detail: string | undefined;
}

/** One produce request for one broker. The answer names partitions by `topic/partition`; a caller checks that all of its own are named. */
export async function produce(
  connection: BrokerConnection,
  shares: readonly Share[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, PartitionAnswer>> {
  const messages = shares.flatMap(({ records }) => records.map(toMessage));
  const answer = await connection.ask(produceV9.api, ALL_IN_SYNC_REPLICAS, timeoutMs, messages, {});
  const answers = new Map<string, PartitionAnswer>();
  if (typeof answer === 'boolean') return answers; // only for requests without acknowledgement
  for (const { name, partitionResponses } of answer.responses) {
    for (const { index, errorCode, baseOffset, errorMessage } of partitionResponses) {
      const detail = errorMessage ?? undefined;
      answers.set(`${name}/${index}`, { code: errorCode, baseOffset: Number(baseOffset), detail });
    }
  }
  return answers;
}

let lastMs = Number.NaN;
let lastTimestamp = 0n;

function toMessage({ topic, partition, key, value, timestampMs }: PendingRecord): MessageRecord {
  if (timestampMs !== lastMs) {
    lastMs = timestampMs;
    lastTimestamp = BigInt(timestampMs);
  }
  // null is a tombstone: the encoder writes it as such, its type forgets to say so
  return { topic, partition, key, value: value as Buffer, headers: HEADERS, timestamp: lastTimestamp };
}
