import { describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { HANDLED, type LogBatch } from '../../log-reader.js';
import type { LogRecord } from '../../log-record.js';
import { PartitionDelivery, type GroupStart } from './partition-delivery.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';

function records(...offsets: number[]): LogRecord[] {
  return offsets.map((offset) => ({
    topic: TOPIC,
    partition: 0,
    offset,
    key: 'a',
    value: null,
    timestampMs: 0,
  }));
}

/** `later`: what the log says when it is asked again. */
function open(start: GroupStart, later: GroupStart = start) {
  const answers = [start];
  const batches: LogBatch[] = [];
  const expired: [number, number][] = [];
  const commits: number[] = [];
  const delivery = new PartitionDelivery(
    TOPIC,
    0,
    {
      start: () => Promise.resolve(answers.shift() ?? later),
      expired: (from, earliest) => expired.push([from, earliest]),
      commit: async (offset) => void commits.push(offset),
      handle: (batch) => {
        batches.push(batch);
        return Promise.resolve(HANDLED);
      },
      failed: () => {},
      isMember: () => true,
    },
    Promise.resolve(),
  );
  return { delivery, batches, expired, commits };
}

describe('the delivery of a partition', () => {
  it('goes on where the group left off', async () => {
    const { delivery, batches, expired, commits } = open({ earliest: 0, offset: 5, committed: 5 });
    await delivery.deliver(() => records(5, 6), 7);
    expect(batches.map(({ from, records }) => [from, records.length])).toEqual([
      [5, 0],
      [5, 2],
    ]);
    expect([expired, commits]).toEqual([[], [7]]);
  });

  it('tells of records that expired before its start, and commits that they are passed', async () => {
    const { delivery, batches, expired, commits } = open({ earliest: 9, offset: 9, committed: 5 });
    await delivery.idle;
    expect(batches.map(({ from }) => from)).toEqual([9]);
    expect(expired).toEqual([[5, 9]]);
    expect(commits).toEqual([9]);
  });

  it('tells of records that expired while it stood still', async () => {
    const { delivery, batches, expired, commits } = open(
      { earliest: 0, offset: 5, committed: 5 },
      { earliest: 8, offset: 8, committed: 5 },
    );
    await delivery.deliver(() => records(8, 9), 10);
    expect(batches.map(({ from }) => from)).toEqual([5, 8]);
    expect(expired).toEqual([[5, 8]]);
    expect(commits).toEqual([10]);
  });

  it('does not take for expired what another member has passed in the meantime', async () => {
    const { delivery, batches, expired } = open({ earliest: 0, offset: 0, committed: undefined });
    await delivery.deliver(() => records(8, 9), 10);
    expect(batches.map(({ from }) => from)).toEqual([0, 8]);
    expect(expired).toEqual([]);
  });

  it('misses nothing of what expired before the group existed', async () => {
    const { delivery, expired, commits } = open({ earliest: 9, offset: 9, committed: undefined });
    await delivery.deliver(() => records(9), 10);
    expect([expired, commits]).toEqual([[], [10]]);
  });
});
