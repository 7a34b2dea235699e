import { describe, expect, it } from '@jest/globals';
import { createRecordsBatch } from '@platformatic/kafka';
import type { Batch, KafkaMessage } from 'kafkajs';
import { createRequire } from 'node:module';
import { pino } from 'pino';
import { recordBatchRoom, writeRecordBatch, type BatchRecord } from '../protocol/record-batch.js';
import { decodeFetchResponse, slowFetchResponse } from './fetch-response.js';
import { recordsOf } from './fetched-message.js';
import { createKafkaJs } from './kafka-js.js';

const NOW = 1_795_210_200_123;
const ATTRIBUTES_AT = 21;
const LOG_APPEND_TIME = 8;
const CONTROL = 32;

const RECORDS = [
  record('pump-7', '{"a":1}', NOW),
  record('', null, NOW - 1), // the clock was set back
  record('gerät', '', NOW + 90_000),
  record('x'.repeat(300), 'y'.repeat(70_000), NOW),
  ...Array.from({ length: 200 }, (_, n) => record(`k${n}`, `v${n}`, NOW + n * 1_000)),
];

function record(key: string, value: string | null, timestampMs: number): BatchRecord {
  return { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs };
}

function batch(firstOffset: number, records: readonly BatchRecord[], attributes = 0): Buffer {
  const into = Buffer.alloc(recordBatchRoom(records));
  const bytes = into.subarray(0, writeRecordBatch(into, 0, records));
  bytes.writeBigInt64BE(BigInt(firstOffset)); // as the broker does
  bytes.writeInt16BE(attributes, ATTRIBUTES_AT);
  return bytes;
}

function gzipped(firstOffset: number): Buffer {
  const messages = RECORDS.map(({ key, value, timestampMs }) => ({
    topic: 'fieldgate.telemetry.v1',
    key,
    value: value ?? Buffer.alloc(0),
    timestamp: BigInt(timestampMs),
    headers: new Map([[Buffer.from('content-type'), Buffer.from('application/json')]]),
  }));
  const bytes = Buffer.from(createRecordsBatch(messages, { compression: 'gzip' }).buffer);
  bytes.writeBigInt64BE(BigInt(firstOffset));
  return bytes;
}

/** Fetch Response (Version: 11) of one topic with these partitions. */
function answerOf(partitions: readonly Buffer[], aborted: readonly number[] = []): Buffer {
  const topic = Buffer.from('fieldgate.telemetry.v1');
  return Buffer.concat([
    int32(0), // throttle time
    int16(0),
    int32(0), // session
    int32(1),
    int16(topic.length),
    topic,
    int32(partitions.length),
    ...partitions.flatMap((batches, index) => [
      int32(index),
      int16(0),
      ...[1_000, 1_000, 0].map(int64), // high watermark, last stable and log start offset
      int32(aborted.length),
      ...aborted.flatMap((producer) => [int64(producer), int64(0)]),
      int32(-1), // no other replica
      int32(batches.length),
      batches,
    ]),
  ]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

interface Decoded {
  readonly responses: readonly { readonly partitions: readonly { readonly messages: KafkaMessage[] }[] }[];
}

/** Everything that kafkajs or a handler sees of an answer. */
function seen(decoded: unknown): unknown {
  const answer = decoded as Decoded;
  const responses = answer.responses.map((response) => ({
    ...response,
    partitions: response.partitions.map((partition, index) => ({
      ...partition,
      messages: partition.messages.map((message) => {
        const { offset, timestamp, key, value, headers, attributes } = message;
        const isControlRecord = Reflect.get(message, 'isControlRecord');
        return { offset, timestamp, key, value, headers, attributes, isControlRecord };
      }),
      records: recordsOf({ messages: partition.messages, partition: index } as Batch, 'fieldgate.alerts.v1'),
    })),
  }));
  return { ...answer, responses };
}

async function expectTheSame(answer: Buffer): Promise<void> {
  expect(seen(await decodeFetchResponse(answer))).toEqual(seen(await slowFetchResponse(answer)));
}

describe('the answer to a fetch', () => {
  it('reads as kafkajs reads it: several partitions and batches, gaps, tombstones, the time of the writer or of the broker', () =>
    expectTheSame(
      answerOf([
        Buffer.concat([batch(5, RECORDS), batch(5_000_000_000, RECORDS.slice(0, 2))]),
        Buffer.alloc(0),
        batch(0, RECORDS.slice(2, 5), LOG_APPEND_TIME),
        batch(7, []), // all of it compacted
      ]),
    ));

  it('reads as kafkajs reads it when the last batch is cut off anywhere', async () => {
    const [whole, last] = [batch(0, RECORDS.slice(0, 2)), batch(2, RECORDS.slice(0, 1))];
    for (let cut = 0; cut <= last.length; cut++)
      await expectTheSame(answerOf([Buffer.concat([whole, last.subarray(0, cut)])]));
  });

  it.each([
    ['compressed batches', answerOf([Buffer.concat([batch(0, RECORDS), gzipped(300)])])],
    ['marks of transactions', answerOf([Buffer.concat([batch(0, RECORDS), batch(300, RECORDS, CONTROL)])])],
    ['aborted transactions', answerOf([batch(0, RECORDS)], [17])],
  ])('leaves %s to kafkajs', async (_, answer) => {
    await expectTheSame(answer);
    const [message] =
      ((await decodeFetchResponse(answer)) as Decoded).responses[0]?.partitions[0]?.messages ?? [];
    expect(message).toHaveProperty('batchContext'); // what it decides by which messages are none
  });

  it('fails, as that of kafkajs does, when a batch holds fewer records than it says', async () => {
    const short = batch(0, RECORDS);
    short.writeInt32BE(2 ** 31 - 1, 57);
    await expect(slowFetchResponse(answerOf([short]))).rejects.toThrow();
    await expect(decodeFetchResponse(answerOf([short]))).rejects.toThrow('lacks');
  });

  it('has the records that were written', async () => {
    const { responses } = (await decodeFetchResponse(answerOf([batch(40, RECORDS)]))) as Decoded;
    const messages = responses[0]?.partitions[0]?.messages ?? [];
    expect(recordsOf({ messages, partition: 3 } as Batch, 'fieldgate.events.v1')).toEqual(
      RECORDS.map(({ key, value, timestampMs }, index) => ({
        topic: 'fieldgate.events.v1',
        partition: 3,
        offset: 40 + index,
        key: key.toString(),
        value,
        timestampMs,
      })),
    );
  });

  it('is read so by every consumer of kafkajs', () => {
    createKafkaJs({ clientId: 'x', brokers: ['localhost:1'], logger: pino({ enabled: false }) });
    const requests = createRequire(import.meta.url)('kafkajs/src/protocol/requests/fetch/index.js') as {
      readonly versions: readonly string[];
      protocol(of: { version: string }): (request: unknown) => { readonly response: { decode: unknown } };
    };
    const newest = requests.versions.at(-1) ?? '';
    const request = { maxWaitTime: 1, minBytes: 1, maxBytes: 1, topics: [] };
    expect(requests.protocol({ version: newest })(request).response.decode).toBe(decodeFetchResponse);
  });
});
