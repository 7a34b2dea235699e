import { expect, it } from '@jest/globals';
import type { Consumption, FollowStart } from '../../log-reader.js';
import type { LogPosition, LogRecord } from '../../log-record.js';
import { Inbox } from '../inbox.js';
import {
  CONTRACT_TIMEOUT_MS,
  say,
  textsOf,
  TOPIC,
  unexpected,
  unique,
  withKey,
  type Subject,
} from './subject.js';
import { allOf } from './reading.js';

interface Follower {
  readonly records: Inbox<LogRecord>;
  readonly reached: Inbox<LogPosition>;
  readonly consumption: Consumption;
}

/** What `follow`, `read` and `bounds` promise. */
export function followerPromises(subject: Subject): void {
  async function follow(key: string, start: FollowStart): Promise<Follower> {
    const records = new Inbox<LogRecord>();
    const reached = new Inbox<LogPosition>();
    const consumption = await subject.log.reader.follow(
      TOPIC,
      start,
      (batch) => records.push(...batch.filter(withKey(key))),
      { failed: unexpected, reached: (partition, offset) => reached.push({ partition, offset }) },
    );
    return { records, reached, consumption };
  }

  it(
    'follows from the earliest record on, and then live',
    async () => {
      const key = unique('device');
      await say(subject.log, TOPIC, key, '1', '2');
      const { records, consumption } = await follow(key, 'earliest');
      await records.count(2);
      await say(subject.log, TOPIC, key, '3');
      await records.count(3);
      await consumption.stop();
      await consumption.stop();
      expect(textsOf(records.all)).toEqual(['1', '2', '3']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'follows from latest: nothing from before the call, everything from after it',
    async () => {
      const key = unique('device');
      await say(subject.log, TOPIC, key, 'before');
      const { records, consumption } = await follow(key, 'latest');
      await say(subject.log, TOPIC, key, '1', '2');
      await records.count(2);
      await consumption.stop();
      expect(textsOf(records.all)).toEqual(['1', '2']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'follows from given offsets, and partitions that are not named from the earliest record',
    async () => {
      const key = unique('device');
      const [, second] = await say(subject.log, TOPIC, key, '1', '2', '3');
      const at = second ?? unexpected('no position');
      const named = await follow(key, new Map([[at.partition, at.offset]]));
      const unnamed = await follow(key, new Map());
      await named.records.count(2);
      await unnamed.records.count(3);
      await named.consumption.stop();
      await unnamed.consumption.stop();
      expect(textsOf(named.records.all)).toEqual(['2', '3']);
      expect(textsOf(unnamed.records.all)).toEqual(['1', '2', '3']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'says how far it has come in every partition, also when there was nothing to hand over',
    async () => {
      const key = unique('device');
      const { records, reached, consumption } = await follow(key, 'latest');
      const bounds = await subject.log.reader.bounds(TOPIC);
      await reached.until((all) =>
        bounds.every(({ partition, end }) =>
          all.some((at) => at.partition === partition && at.offset >= end),
        ),
      );
      const [at] = await say(subject.log, TOPIC, key, '1');
      const seen = new Inbox<number>();
      await reached.until((all) =>
        all.some(
          ({ partition, offset }) =>
            partition === at?.partition && offset > at.offset && records.all.length > 0,
        ),
      );
      seen.push(records.all.length);
      await consumption.stop();
      expect(seen.all).toEqual([1]); // never before the handler has had the record
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'tells of every follow that runs how far it has come',
    async () => {
      const key = unique('device');
      const { reader } = subject.log;
      const before = new Set(reader.follows());
      const { records, consumption } = await follow(key, 'latest');
      const mine = reader.follows().find((one) => !before.has(one));
      const [at] = await say(subject.log, TOPIC, key, '1');
      await records.count(1);
      const other = await follow(key, 'earliest'); // has a turn of its own, after that of the record
      await other.records.count(1);
      expect(mine?.topic).toBe(TOPIC);
      expect(at && mine?.nextOffset(at.partition)).toBeGreaterThan(at?.offset ?? Infinity);
      await other.consumption.stop();
      await consumption.stop();
      expect(reader.follows().filter((one) => !before.has(one))).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'ends with the error of its handler, and reports it once',
    async () => {
      const key = unique('device');
      const bug = new Error('a bug');
      const failures = new Inbox<unknown>();
      let calls = 0;
      const handle = (records: readonly LogRecord[]): void => {
        if (!records.some(withKey(key))) return;
        calls += 1;
        throw bug;
      };
      const consumption = await subject.log.reader.follow(TOPIC, 'latest', handle, { failed: failures.push });
      await say(subject.log, TOPIC, key, '1');
      expect(await failures.count(1)).toEqual([bug]);
      const other = await follow(key, 'latest');
      await say(subject.log, TOPIC, key, '2');
      await other.records.count(1);
      await other.consumption.stop();
      await consumption.stop();
      expect([calls, failures.all.length]).toEqual([1, 1]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'hands over nothing once stopped',
    async () => {
      const key = unique('device');
      const stopped = await follow(key, 'latest');
      const other = await follow(key, 'latest');
      await stopped.consumption.stop();
      await say(subject.log, TOPIC, key, '1');
      await other.records.count(1);
      await other.consumption.stop();
      expect(stopped.records.all).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'reads a range of one partition: from inclusive, to exclusive, no further than the end',
    async () => {
      const key = unique('device');
      const [first, , third] = await say(subject.log, TOPIC, key, '1', '2', '3', '4');
      const { partition, offset: from } = first ?? unexpected('no position');
      const { offset: to } = third ?? unexpected('no position');
      const read = async (range: { from: number; to: number }): Promise<(string | null)[]> =>
        textsOf((await allOf(subject.log.reader.read(TOPIC, { partition, ...range }))).filter(withKey(key)));
      expect(await read({ from, to })).toEqual(['1', '2']);
      expect(await read({ from, to: to + 1_000_000 })).toEqual(['1', '2', '3', '4']);
      expect(await read({ from, to: from })).toEqual([]);
      expect(await read({ from: to + 1_000_000, to: to + 1_000_001 })).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'may be left in the middle of a range',
    async () => {
      const key = unique('device');
      const [first] = await say(subject.log, TOPIC, key, '1', '2', '3');
      const { partition, offset: from } = first ?? unexpected('no position');
      for await (const record of subject.log.reader.read(TOPIC, { partition, from, to: from + 3 })) {
        expect(record.offset).toBe(from);
        break;
      }
      expect(await say(subject.log, TOPIC, key, '4')).toHaveLength(1);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'knows the bounds of every partition: the next append gets the end',
    async () => {
      const key = unique('device');
      const before = await subject.log.reader.bounds(TOPIC);
      expect(before.map(({ partition }) => partition)).toEqual(before.map((_, index) => index));
      for (const { earliest, end } of before) expect(earliest).toBeLessThanOrEqual(end);
      const [at] = await say(subject.log, TOPIC, key, '1');
      expect(at?.offset).toBe(before.find(({ partition }) => partition === at?.partition)?.end);
      const after = await subject.log.reader.bounds(TOPIC);
      expect(after.find(({ partition }) => partition === at?.partition)?.end).toBe((at?.offset ?? 0) + 1);
    },
    CONTRACT_TIMEOUT_MS,
  );
}
