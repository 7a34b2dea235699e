import { createAPI, produceV9, Writer, type API } from '@platformatic/kafka';
import type { BrokerRequests } from './broker-connection.js';
import type { PartitionQueue, PendingRecord } from '../writing/partition-queue.js';
import { recordBatchRoom, varintBytes, writeRecordBatch, writeVarint } from './record-batch.js';

/** Answered when all in-sync replicas have the records, and only when these are at least `min.insync.replicas`. */
const ALL_IN_SYNC_REPLICAS = -1;
const PRODUCE = 0;
/** Spoken by every Kafka from 2.8 on. */
const VERSION = 9;
/** Length varints, indices and empty tag buffers of a topic or partition, at their widest. */
const PART_ROOM = 32;

export interface Share {
  readonly queue: PartitionQueue;
  readonly records: readonly PendingRecord[];
}

export interface PartitionAnswer {
  readonly code: number;
  readonly baseOffset: number;
  readonly detail: string | undefined;
}

const produceApi: API<[shares: readonly Share[], timeoutMs: number], produceV9.ProduceResponse> = createAPI(
  PRODUCE,
  VERSION,
  createRequest,
  produceV9.parseResponse,
);

/** One produce request for one broker. The answer names partitions by `topic/partition`; a caller checks that all of its own are named. */
export async function produce(
  connection: BrokerRequests,
  shares: readonly Share[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, PartitionAnswer>> {
  const answer = await connection.ask(produceApi, shares, timeoutMs);
  const answers = new Map<string, PartitionAnswer>();
  for (const { name, partitionResponses } of answer.responses) {
    for (const { index, errorCode, baseOffset, errorMessage } of partitionResponses) {
      const detail = errorMessage ?? undefined;
      answers.set(`${name}/${index}`, { code: errorCode, baseOffset: Number(baseOffset), detail });
    }
  }
  return answers;
}

/** Produce Request (Version: 9) => transactional_id acks timeout_ms [topic [index records]], in compact encoding. */
function createRequest(shares: readonly Share[], timeoutMs: number): Writer {
  const topics = new Map<string, Share[]>();
  let room = PART_ROOM;
  for (const share of shares) {
    const { topic } = share.queue;
    const ofTopic = topics.get(topic);
    if (ofTopic) ofTopic.push(share);
    else topics.set(topic, [share]);
    room += PART_ROOM + topic.length + PART_ROOM + recordBatchRoom(share.records);
  }
  const into = Buffer.allocUnsafe(room);
  let at = writeVarint(into, 0, 0); // no transaction
  at = into.writeInt16BE(ALL_IN_SYNC_REPLICAS, at);
  at = into.writeInt32BE(timeoutMs, at);
  at = writeVarint(into, at, topics.size + 1);
  for (const [topic, ofTopic] of topics) {
    at = writeVarint(into, at, topic.length + 1);
    at += into.write(topic, at, 'latin1'); // our topic names are ASCII
    at = writeVarint(into, at, ofTopic.length + 1);
    for (const share of ofTopic) at = writeShare(into, at, share);
    at = writeVarint(into, at, 0);
  }
  at = writeVarint(into, at, 0);
  return Writer.create().append(into.subarray(0, at));
}

/** The length of the batch comes before it, in as many bytes as it takes: room for the widest is left, and the batch moved up to it. */
function writeShare(into: Buffer, start: number, { queue, records }: Share): number {
  const lengthAt = into.writeInt32BE(queue.partition, start);
  const widest = varintBytes(recordBatchRoom(records) + 1);
  const end = writeRecordBatch(into, lengthAt + widest, records);
  const length = end - lengthAt - widest;
  const batchAt = writeVarint(into, lengthAt, length + 1);
  if (batchAt < lengthAt + widest) into.copyWithin(batchAt, lengthAt + widest, end);
  return writeVarint(into, batchAt + length, 0);
}
