import { afterEach, describe, expect, it } from '@jest/globals';
import type { FieldgateError, LogTopic } from '@fieldgate/contracts';
import { pino } from 'pino';
import { register } from 'prom-client';
import { Inbox } from '../../testing/inbox.js';
import type { BrokerRequests } from '../protocol/broker-connection.js';
import type { NewRecord, Settle } from '../../log-writer.js';
import { KafkaWriter } from './kafka-writer.js';
import { murmur2, partitionFor } from '../protocol/murmur2.js';
import type { Share } from '../protocol/produce.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const PARTITIONS = 2;
/** One key of each partition; partition 0 is led by broker 0, partition 1 by broker 1. */
const KEYS = Array.from(
  { length: PARTITIONS },
  (_, partition) =>
    ['a', 'b', 'c', 'd', 'e'].find(
      (key) => partitionFor(murmur2(Buffer.from(key)), PARTITIONS) === partition,
    ) ?? '',
);

interface ProduceRequest {
  readonly nodeId: number;
  readonly texts: readonly string[];
  /** Answers with a code for every partition that it names; offsets count from 100. */
  answer(codes: Readonly<Record<number, number>>): void;
  fail(): void;
}

describe('the Kafka writer', () => {
  let writer: KafkaWriter | undefined;
  afterEach(() => writer?.stop(0));

  function open(deliveryTimeoutMs = 60_000, ingestTimeoutMs = deliveryTimeoutMs) {
    const requests = new Inbox<ProduceRequest>();
    const settled = new Inbox<string>();
    const subject = new KafkaWriter({
      cluster: {
        leaderOf: (_, partition) => partition,
        open: (nodeId) => Promise.resolve(fakeBroker(nodeId, requests)),
        refresh: () => Promise.resolve(),
      },
      clock: { now: () => 1_795_210_200_123 },
      logger: pino({ level: 'silent' }),
      deliveryTimeoutMs,
      ingestTimeoutMs,
    });
    writer = subject;
    subject.start([[TOPIC, PARTITIONS]]);
    const note =
      (text: string): Settle =>
      (error, at) =>
        settled.push(`${text} ${error === undefined ? `${at?.partition}-${at?.offset}` : codeOf(error)}`);
    const recordOf = (partition: number, text: string): NewRecord => {
      return { topic: TOPIC, key: KEYS[partition] ?? '', value: Buffer.from(text) };
    };
    const append = (partition: number, text: string): void => {
      subject.append(recordOf(partition, text), note(text));
    };
    const ingest = (partition: number, text: string): void => {
      subject.ingest(recordOf(partition, text), note(text));
    };
    const deliver = (partition: number, text: string): void => {
      subject.deliver(recordOf(partition, text), 1_795_000_000_000, note(text));
    };
    const request = async (number: number): Promise<ProduceRequest> => {
      const request = (await requests.count(number))[number - 1];
      if (request === undefined) throw new Error(`there is no request ${number}`);
      return request;
    };
    return { subject, append, ingest, deliver, request, requests, settled };
  }

  it('sends at once when idle, and gathers while a request is in flight', async () => {
    const { append, request, requests, settled } = open();
    append(0, '1');
    const first = await request(1);
    for (const text of ['2', '3', '4']) append(0, text);
    first.answer({ 0: 0 });
    const second = await request(2);
    second.answer({ 0: 0 });
    await settled.count(4);
    expect(requests.all.map(({ texts }) => texts)).toEqual([['1'], ['2', '3', '4']]);
    expect(settled.all).toEqual(['1 0-100', '2 0-100', '3 0-101', '4 0-102']);
  });

  it('tells the others what became of their records when one fails on it', async () => {
    const { subject, append, request, settled } = open();
    append(0, '1');
    const mistaken = { topic: TOPIC, key: KEYS[0] ?? '', value: Buffer.from('2') };
    (await request(1)).answer({ 0: 0 });
    subject.append(mistaken, () => {
      throw new Error('a mistake');
    });
    append(0, '3');
    (await request(2)).answer({ 0: 0 });
    append(0, '4');
    (await request(3)).answer({ 0: 0 });
    await settled.count(3);
    expect(settled.all).toEqual(['1 0-100', '3 0-101', '4 0-100']);
    await subject.stop(60_000); // at once: nothing is left
  });

  it('takes nothing for stored that the answer does not name, and sends it again', async () => {
    const { append, request, settled } = open();
    append(0, '1');
    (await request(1)).answer({});
    const again = await request(2);
    expect(settled.all).toEqual([]);
    expect(again.texts).toEqual(['1']);
    again.answer({ 0: 0 });
    await settled.count(1);
    expect(settled.all).toEqual(['1 0-100']);
  });

  it.each([
    ['there is no answer', (request: ProduceRequest) => request.fail()],
    ['the leader has moved', (request: ProduceRequest) => request.answer({ 0: 6 })],
    ['replicas are missing', (request: ProduceRequest) => request.answer({ 0: 19 })],
  ])(
    'sends the same again in its order, and what came later only after its answer, when %s',
    async (_, goWrong) => {
      const { append, request, settled } = open();
      append(0, '1');
      append(0, '2');
      const first = await request(1);
      append(0, '3');
      goWrong(first);
      expect(first.texts).toEqual(['1', '2']);
      const second = await request(2);
      expect(second.texts).toEqual(['1', '2']);
      goWrong(second);
      const third = await request(3);
      expect(third.texts).toEqual(['1', '2']);
      third.answer({ 0: 0 });
      const fourth = await request(4);
      expect(fourth.texts).toEqual(['3']);
      fourth.answer({ 0: 0 });
      await settled.count(3);
      expect(settled.all).toEqual(['1 0-100', '2 0-101', '3 0-100']);
    },
  );

  it('lets one leader wait for its answer without holding back another', async () => {
    const { append, request, settled } = open();
    append(0, 'held');
    await request(1);
    append(1, 'free');
    const other = await request(2);
    expect([other.nodeId, other.texts]).toEqual([1, ['free']]);
    other.answer({ 1: 0 });
    expect(await settled.count(1)).toEqual(['free 1-100']);
  });

  it('finds a refused record by halves, and settles only that one as refused', async () => {
    const { append, requests, settled } = open();
    const texts = ['1', '2', '3', 'bad', '5', '6', '7'];
    for (const text of texts) append(0, text);
    for (let number = 1; settled.all.length < texts.length; number++) {
      const request = (await requests.count(number))[number - 1];
      request?.answer({ 0: request.texts.includes('bad') ? 10 : 0 }); // MESSAGE_TOO_LARGE
      await new Promise(setImmediate);
    }
    expect(settled.all.map((line) => line.split(' ')[0])).toEqual(texts);
    expect(settled.all.filter((line) => line.includes('record-refused'))).toEqual(['bad record-refused']);
  });

  it('gives up after the delivery timeout, says so, and does not settle again when an answer comes late', async () => {
    const { subject, append, request, settled } = open(100);
    append(0, '1');
    const first = await request(1);
    expect(await settled.count(1)).toEqual(['1 log-unavailable']);
    expect(subject.problem()).toContain('did not answer in time');
    first.answer({ 0: 0 });
    append(0, '2');
    (await request(2)).answer({ 0: 0 });
    await settled.count(2);
    expect(settled.all).toEqual(['1 log-unavailable', '2 0-100']);
    expect(subject.problem()).toBeUndefined();
  });

  it('gives up what was ingested into a partition together: a newer record must not be kept when an older one comes again', async () => {
    const { ingest, request, settled } = open(60_000, 100);
    ingest(0, 'old');
    await request(1);
    ingest(1, 'elsewhere');
    (await request(2)).answer({ 1: 0 });
    const late = setInterval(() => ingest(0, 'new'), 20); // never as old as the first
    await settled.count(3);
    clearInterval(late);
    expect(settled.all.slice(0, 3)).toEqual([
      'elsewhere 1-100',
      'old log-unavailable',
      'new log-unavailable',
    ]);
  });

  it('hands over what was ingested into a partition and not answered in time, in order, and neither settles nor counts it as durable', async () => {
    const { subject, ingest, append, request, settled } = open(60_000, 100);
    const before = await counted();
    const taken = new Inbox<string>();
    subject.onOverflow((topic, partition, records) => {
      taken.push(...records.map(({ record }) => `${topic}/${partition} ${String(record.value)}`));
    });
    ingest(0, '1');
    const first = await request(1);
    ingest(0, '2');
    append(0, 'not ingested');
    ingest(0, '3');
    await taken.count(3);
    expect(taken.all).toEqual([`${TOPIC}/0 1`, `${TOPIC}/0 2`, `${TOPIC}/0 3`]);
    first.answer({ 0: 0 }); // late: it is settled by whoever took it
    const second = await request(2);
    expect(second.texts).toEqual(['not ingested']);
    second.answer({ 0: 0 });
    await settled.count(1);
    expect(settled.all).toEqual(['not ingested 0-100']);
    await new Promise(setImmediate);
    const after = await counted();
    const more = (outcome: string): number => (after.get(outcome) ?? 0) - (before.get(outcome) ?? 0);
    expect([more('spooled'), more('durable')]).toEqual([3, 1]);
  });

  it('never gives up what is delivered from elsewhere, and hands it to nobody', async () => {
    const { subject, deliver, append, request, settled } = open(100, 100);
    subject.onOverflow(() => settled.push('taken'));
    deliver(0, 'patient');
    append(0, 'timed');
    const first = await request(1);
    await settled.count(1);
    expect(settled.all).toEqual(['timed log-unavailable']);
    first.answer({ 0: 0 });
    await settled.count(2);
    expect(settled.all[1]).toBe('patient 0-100');
  });

  it('does not count what is delivered from elsewhere as too much: live devices would wait for a backlog', () => {
    const { subject, deliver } = open();
    for (let n = 0; n < 10_001; n += 1) deliver(0, 'of a backlog');
    const live = { topic: TOPIC, key: KEYS[1] ?? '', value: Buffer.from('live') };
    expect(subject.ingest(live, () => undefined)).toBe(true);
  });

  it('settles what is left as unavailable when its grace is over', async () => {
    const { subject, append, request, settled } = open();
    append(0, '1');
    await request(1);
    append(0, '2');
    await subject.stop(0);
    expect(settled.all).toEqual(['1 log-unavailable', '2 log-unavailable']);
  });
});

function fakeBroker(nodeId: number, requests: Inbox<ProduceRequest>): BrokerRequests {
  return {
    usable: true,
    destroy: () => undefined,
    ask: <Request extends unknown[], Answer>(_: unknown, ...request: Request): Promise<Answer> => {
      const [shares] = request as unknown as [readonly Share[]]; // a writer asks nothing but to produce
      return new Promise<Answer>((resolve, reject) => {
        requests.push({
          nodeId,
          texts: shares.flatMap(({ records }) => records.map(({ value }) => String(value))),
          answer: (codes) => resolve(produced(codes) as Answer), // the answer to that
          fail: () => reject(new Error('the connection is gone')),
        });
      });
    },
  };
}

function produced(codes: Readonly<Record<number, number>>): unknown {
  const partitionResponses = Object.entries(codes).map(([index, errorCode]) => ({
    index: Number(index),
    errorCode,
    baseOffset: 100n,
    errorMessage: null,
  }));
  return { responses: [{ name: TOPIC, partitionResponses }] };
}

/** Settled records by outcome. */
async function counted(): Promise<ReadonlyMap<unknown, number>> {
  const metric = await register.getSingleMetric('fieldgate_kafka_records_total')?.get();
  return new Map(metric?.values.map(({ labels, value }) => [labels['outcome'], value]));
}

function codeOf(error: FieldgateError): string {
  return error.code;
}
