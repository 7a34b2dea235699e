import { createRequire } from 'node:module';
import { arePlain, messagesOf, type FetchedMessage } from './fetched-message.js';

/*
 * kafkajs makes a dozen objects of every record that it fetches, 8 MB of them at a time, before the first is handled. Here its answer to a
 * fetch is read instead, with records that are views of the bytes. Everything else of a fetch stays its own, and so does what is not plain:
 * compressed batches, transactions, formats before 2. There is no other way in than its inner module, so the version of kafkajs is fixed, and
 * a test compares the two.
 */

/** Of `kafkajs/src/protocol/decoder.js`: what is used here. */
interface Decoder {
  offset: number;
  readInt16(): number;
  readInt32(): number;
  readInt64(): bigint;
  readString(): string;
  readBytes(length: number): Buffer;
  canReadBytes(length: number): boolean;
  readArray<T>(read: (decoder: Decoder) => T): T[];
  readArrayAsync<T>(read: (decoder: Decoder) => Promise<T>): Promise<T[]>;
}
type ResponseDecoder = (answer: Buffer) => Promise<unknown>;

const inner = createRequire(import.meta.url);
const KafkaDecoder = inner('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder;
const decodeMessages = inner('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as (
  decoder: Decoder,
) => Promise<unknown[]>;
/** Of the newest version that kafkajs speaks, which every Kafka from 2.3 on understands. */
const fetchResponse = inner('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode: ResponseDecoder;
};

/** The way of kafkajs, which reads the same. */
export const slowFetchResponse: ResponseDecoder = fetchResponse.decode;

/** From here on every consumer of this process reads so. */
export function readFetchesOurselves(): void {
  fetchResponse.decode = decodeFetchResponse;
}

/** Fetch Response (Version: 11), in the form that kafkajs goes on with. */
export async function decodeFetchResponse(answer: Buffer): Promise<unknown> {
  const decoder = new KafkaDecoder(answer);
  const clientSideThrottleTime = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const sessionId = decoder.readInt32();
  const responses = await decoder.readArrayAsync(async (topic) => ({
    topicName: topic.readString(),
    partitions: await topic.readArrayAsync(decodePartition),
  }));
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

async function decodePartition(decoder: Decoder): Promise<unknown> {
  const partition = {
    partition: decoder.readInt32(),
    errorCode: decoder.readInt16(),
    highWatermark: decoder.readInt64().toString(),
    lastStableOffset: decoder.readInt64().toString(),
    lastStartOffset: decoder.readInt64().toString(), // so called by kafkajs
    abortedTransactions: decoder.readArray((aborted) => ({
      producerId: aborted.readInt64().toString(),
      firstOffset: aborted.readInt64().toString(),
    })),
    preferredReadReplica: decoder.readInt32(),
  };
  const isPlain = partition.abortedTransactions.length === 0;
  return {
    ...partition,
    messages: (isPlain ? plainMessages(decoder) : undefined) ?? (await decodeMessages(decoder)),
  };
}

/** Undefined: they are not plain, and nothing has been read. */
function plainMessages(decoder: Decoder): readonly FetchedMessage[] | undefined {
  const { offset } = decoder;
  const size = decoder.readInt32();
  if (size > 0 && decoder.canReadBytes(size)) {
    const batches = decoder.readBytes(size);
    if (arePlain(batches)) return messagesOf(batches);
  }
  decoder.offset = offset;
  return undefined;
}
