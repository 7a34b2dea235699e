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
  const cut: [number, number][] = [];
  const commits: number[] = [];
  const delivery = new PartitionDelivery(
    TOPIC,
    0,
    {
      start: () => Promise.resolve(answers.shift() ?? later),
      expired: (from, earliest) => expired.push([from, earliest]),
      cut: (from, end) => cut.push([from, end]),
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
  const handled = (): number[] => batches.flatMap(({ records }) => records.map(({ offset }) => offset));
  return { delivery, batches, expired, cut, commits, handled, answers };
}

describe('the delivery of a partition', () => {
  it('goes on where the group left off', async () => {
    const { delivery, batches, expired, commits } = open({ earliest: 0, end: 7, committed: 5 });
    await delivery.deliver(() => records(5, 6), 7);
    expect(batches.map(({ from, records }) => [from, records.length])).toEqual([
      [5, 0],
      [5, 2],
    ]);
    expect([expired, commits]).toEqual([[], [7]]);
  });

  it('tells of records that expired before its start, and commits that they are passed', async () => {
    const { delivery, batches, expired, commits } = open({ earliest: 9, end: 9, committed: 5 });
    await delivery.idle;
    expect(batches.map(({ from }) => from)).toEqual([9]);
    expect(expired).toEqual([[5, 9]]);
    expect(commits).toEqual([9]);
  });

  it('tells of records that expired while it stood still', async () => {
    const { delivery, batches, expired, commits } = open(
      { earliest: 0, end: 7, committed: 5 },
      { earliest: 8, end: 10, committed: 5 },
    );
    await delivery.deliver(() => records(8, 9), 10);
    expect(batches.map(({ from }) => from)).toEqual([5, 8]);
    expect(expired).toEqual([[5, 8]]);
    expect(commits).toEqual([10]);
  });

  it('does not take for expired what another member has passed in the meantime', async () => {
    const { delivery, batches, expired } = open({ earliest: 0, end: 10, committed: undefined });
    await delivery.deliver(() => records(8, 9), 10);
    expect(batches.map(({ from }) => from)).toEqual([0, 8]);
    expect(expired).toEqual([]);
  });

  it('misses nothing of what expired before the group existed', async () => {
    const { delivery, expired, commits } = open({ earliest: 9, end: 10, committed: undefined });
    await delivery.deliver(() => records(9), 10);
    expect([expired, commits]).toEqual([[], [10]]);
  });

  it('begins at the beginning of a log that ends before what was committed, says so and commits that', async () => {
    const { delivery, handled, cut, expired, commits } = open({ earliest: 2, end: 4, committed: 5_000 });
    await delivery.deliver(() => records(2, 3), 4);
    expect(handled()).toEqual([2, 3]);
    expect([cut, expired, commits]).toEqual([[[5_000, 4]], [], [2, 4]]);
  });

  it('does so too when the log loses its last writes while it is read', async () => {
    const { delivery, handled, batches, cut, commits, answers } = open({
      earliest: 0,
      end: 6,
      committed: 5,
    });
    await delivery.deliver(() => records(5), 6);
    answers.push({ earliest: 0, end: 2, committed: undefined });
    await delivery.deliver(() => records(0, 1), 2); // the client begins at the earliest by itself
    expect(handled()).toEqual([5, 0, 1]);
    expect([cut, commits]).toEqual([[[6, 2]], [6, 2]]);
    const [before, after] = [batches[1]?.assignment, batches[2]?.assignment];
    expect(before).not.toBe(after); // who keeps anything for the offsets of the one begins anew with the other
    expect([before?.isAnew?.(), after?.isAnew?.()]).toEqual([false, true]);
  });

  it('goes on where it was when the log only seemed to end before that', async () => {
    const { delivery, handled, cut, answers } = open(
      { earliest: 0, end: 4, committed: 5 },
      { earliest: 0, end: 6, committed: 5 },
    );
    for (let times = 0; times < 3; times++) await delivery.deliver(() => records(3, 4), 5);
    await delivery.deliver(() => records(5), 6);
    expect(handled()).toEqual([5]);
    expect([cut, answers]).toEqual([[], []]);
  });

  it('commits the start in a topic that was made again: what was committed before is of the old one', async () => {
    const { delivery, commits } = open({ earliest: 0, end: 0, committed: undefined, isAnew: true });
    await delivery.idle;
    expect(commits).toEqual([0]);
  });

  it('says that a topic was made again until the group has passed something of it', async () => {
    const isAnew = async (start: GroupStart): Promise<boolean | undefined> => {
      const { delivery, batches } = open(start);
      await delivery.idle;
      return batches[0]?.assignment.isAnew?.();
    };
    expect(await isAnew({ earliest: 0, end: 9, committed: undefined, isAnew: true })).toBe(true);
    expect(await isAnew({ earliest: 0, end: 9, committed: 0, isAnew: true })).toBe(true); // assigned again since
    expect(await isAnew({ earliest: 0, end: 9, committed: 4, isAnew: true })).toBe(false);
    expect(await isAnew({ earliest: 0, end: 9, committed: undefined })).toBe(false);
  });
});
