import { appended, type LogReader, type LogRecord } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { LiveTopic } from './live-topic.js';
import { StreamClient } from './stream-client.js';
import { parsePositions, type Positions } from './stream-positions.js';

const TOPIC = 'fieldgate.alerts.v1';
let log: MemoryLog;
let live: LiveTopic;
let text: string;
/** How many events were written at once, each time. */
let writes: number[];

/** A client that takes everything and wants nothing but what is of `pump-7`. */
function clientOf(reader: LogReader = log.reader): StreamClient {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const connection = new Duplex({
    highWaterMark: 1_048_576, // more than a test writes: whoever emits `drain` is not here
    read: () => undefined,
    write: (chunk: Buffer, _encoding, taken) => {
      text += chunk.toString();
      taken();
    },
  });
  response.assignSocket(connection as Socket); // what an answer uses of a socket is that it is a stream
  return new StreamClient(response, [{ letter: 'a', event: 'alert', live }], {
    reader,
    wants: ({ key }) => key === 'pump-7',
    written: (events) => void writes.push(events),
    tooSlow: (reason) => response.destroy(new Error(reason)),
    monotonic: { now: () => 0 },
  });
}

/** Does something before each record that it reads. */
function readerThat(before: (record: LogRecord) => unknown): LogReader {
  const reader = Object.create(log.reader) as LogReader; // all else is the reader's own
  reader.read = async function* (topic, range) {
    for await (const record of log.reader.read(topic, range)) {
      await before(record);
      yield record;
    }
  };
  return reader;
}

async function newestId(): Promise<Positions | undefined> {
  await new Promise((resolve) => setImmediate(resolve)); // an answer is written in the next tick
  return parsePositions([...text.matchAll(/^event: position\ndata: \{\}\nid: (.*)$/gm)].at(-1)?.[1] ?? '');
}

function stands(at: number): Positions {
  return new Map([['a', new Map([[0, at]])]]);
}

async function say(deviceId: string, value = Buffer.from('{}')): Promise<number> {
  const { offset } = await appended(log.writer, { topic: TOPIC, key: deviceId, value });
  return offset;
}

beforeEach(async () => {
  text = '';
  writes = [];
  log = createMemoryLog();
  await log.start();
  await say('pump-8');
  live = new LiveTopic(log.reader, TOPIC, (error) => {
    throw error;
  });
  await live.use();
});
afterEach(async () => {
  await live.release();
  await log.stop();
});

it('says at once where it stands, and again with each keep-alive though nothing was for it', async () => {
  const client = clientOf();
  await client.start(new Map());
  expect(await newestId()).toEqual(stands(1));
  const next = new Promise<void>((resolve) => live.join(() => resolve()));
  await say('pump-8');
  await next;
  client.beat('keep-alive');
  expect(await newestId()).toEqual(stands(2));
  expect(text).toContain(': keep-alive\n');
  client.stop();
});

it('says nothing of where it stands before it knows', async () => {
  clientOf().beat('keep-alive');
  expect(await newestId()).toBeUndefined();
  expect(text).toMatch(/: keep-alive\n\n/);
});

it('says, while it catches up, no more than was written', async () => {
  for (let n = 0; n < 1_200; n++) await say('pump-7');
  const reader = readerThat(({ offset }) => {
    if (offset === 700) client.beat('keep-alive');
  });
  const client = clientOf(reader);
  await client.start(stands(1));
  expect(await newestId()).toEqual(stands(501)); // the chunk that is complete
  expect(text.match(/^event: alert$/gm)).toHaveLength(1_200);
  client.stop();
});

it('writes few of what is large at once while it catches up', async () => {
  for (let n = 0; n < 60; n++) await say('pump-7', Buffer.from(JSON.stringify('x'.repeat(20_000))));
  const client = clientOf(readerThat(() => new Promise((resolve) => setImmediate(resolve)))); // what is written goes out
  await client.start(stands(1));
  const most = Math.max(...writes); // 128 KiB, and what the last of them is more
  expect({ most, all: writes.reduce((sum, n) => sum + n) }).toEqual({ most: 7, all: 60 });
  client.stop();
});
