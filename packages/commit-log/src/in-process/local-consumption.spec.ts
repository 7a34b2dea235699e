import { afterEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import type { ExpiredRange } from '../expired-records.js';
import { HANDLED, type Consumption } from '../log-reader.js';
import type { LogRecord } from '../log-record.js';
import { Inbox } from '../testing/inbox.js';
import { TailSignal, type LocalPartitions } from './local-partitions.js';
import { LocalReader } from './local-reader.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const GROUP = 'fieldgate.storage';

/** One partition with ten records, of which the first have expired. */
function open(earliest: number, committed: number | undefined) {
  const log = { earliest };
  const tail = new TailSignal();
  let offset = committed;
  const records = Array.from({ length: 10 }, (_, offset): LogRecord => ({
    topic: TOPIC,
    partition: 0,
    offset,
    key: 'a',
    value: null,
    timestampMs: 0,
  }));
  const partitions: LocalPartitions = {
    count: () => 1,
    partitionOf: () => 0,
    earliest: () => log.earliest,
    end: () => records.length,
    take: (_topic, _partition, from) => ({
      records: records.slice(from, from + 2),
      next: Math.min(from + 2, 10),
    }),
    tail,
    offsets: {
      get: () => offset,
      keep: (_group, _topic, _partition, next) => (offset = next),
      flush: async () => {},
    },
  };
  const expired = new Inbox<ExpiredRange>();
  const handled = new Inbox<number>();
  const failed = new Inbox<unknown>();
  const reader = new LocalReader(partitions, expired.push);
  const consume = (after: (offset: number) => void = () => {}): Promise<Consumption> =>
    reader.consume(
      GROUP,
      [TOPIC],
      async (batch) => {
        handled.push(...batch.records.map((record) => record.offset));
        for (const record of batch.records) after(record.offset);
        return HANDLED;
      },
      failed.push,
    );
  return { reader, log, expired, handled, consume };
}

describe('a group in this process', () => {
  let reader: LocalReader | undefined;
  afterEach(() => reader?.stop());

  it('tells of records that expired before it came to them', async () => {
    const subject = open(6, 3);
    ({ reader } = subject);
    await subject.consume();
    expect(await subject.handled.count(4)).toEqual([6, 7, 8, 9]);
    expect(subject.expired.all).toEqual([{ group: GROUP, topic: TOPIC, partition: 0, from: 3, earliest: 6 }]);
  });

  it('tells of records that expire while it is behind', async () => {
    const subject = open(0, undefined);
    ({ reader } = subject);
    await subject.consume((offset) => {
      if (offset === 1) subject.log.earliest = 8;
    });
    expect(await subject.handled.count(4)).toEqual([0, 1, 8, 9]);
    expect(subject.expired.all).toEqual([{ group: GROUP, topic: TOPIC, partition: 0, from: 2, earliest: 8 }]);
  });

  it('misses nothing of what expired before it existed', async () => {
    const subject = open(6, undefined);
    ({ reader } = subject);
    await subject.consume();
    expect(await subject.handled.count(4)).toEqual([6, 7, 8, 9]);
    expect(subject.expired.all).toEqual([]);
  });
});
