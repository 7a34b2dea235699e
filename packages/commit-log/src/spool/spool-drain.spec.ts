import { afterEach, describe, expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { monotonicClock } from '@fieldgate/service';
import type { NewRecord, Settle } from '../log-writer.js';
import { Inbox } from '../testing/inbox.js';
import type { DiskSpool, ReadLimits, ReadRecord, SpoolPosition } from './disk-spool.js';
import { SpoolDrain, type DrainPorts } from './spool-drain.js';

const PARTITIONS = ['a', 'b', 'c', 'd'];
const LONG_MS = 60_000;
const STUCK_AFTER_MS = 2_000;
/** Of each partition, on their way to a log that is away. */
const WINDOW = 500;

/** Records of one byte each; record n is of partition n modulo 4. */
class TestDisk {
  /** Every reading: where it began, and how many records it gave. */
  readonly readings = new Inbox<{ readonly from: SpoolPosition; readonly records: number }>();
  released: SpoolPosition = 0;

  constructor(readonly end: SpoolPosition) {}

  read(from: SpoolPosition, { maxRecords }: ReadLimits): Promise<readonly ReadRecord[]> {
    const records = Array.from({ length: Math.min(maxRecords, this.end - from) }, (_, index): ReadRecord => {
      const at = from + index;
      const key = PARTITIONS[at % PARTITIONS.length] ?? '';
      const value = Buffer.from(String(at));
      const record = { topic: 'fieldgate.telemetry.v1', key, value, timestampMs: 0 } as const;
      return { record, at, next: at + 1 };
    });
    this.readings.push({ from, records: records.length });
    return Promise.resolve(records);
  }

  release(before: SpoolPosition): Promise<void> {
    this.released = before;
    return Promise.resolve();
  }

  /** When everything was read once, and nothing else is to be done. */
  async readToItsEnd(): Promise<void> {
    for (let count = 1; ; count += 1)
      if ((await this.readings.count(count)).some(({ from, records }) => from === this.end && records === 0))
        return;
  }
}

describe('the drain of the spool', () => {
  let drain: SpoolDrain | undefined;
  afterEach(() => drain?.stop());

  /** Of a log that is away until `comeBack`. */
  function startedOn(disk: TestDisk, recordsPerSecond: number, others: Partial<DrainPorts> = {}) {
    const logged = new Inbox<string>();
    const waiting: { readonly record: NewRecord; readonly settle: Settle }[] = [];
    let isAway = true;
    let nowMs = 0;
    const sent = new Inbox<NewRecord>();
    const write = ({ record, settle }: (typeof waiting)[number]): void => {
      logged.push(`${record.key}${Buffer.from(record.value ?? []).toString()}`);
      settle(undefined, undefined, record);
    };
    const subject = new SpoolDrain({
      disk: disk as unknown as DiskSpool, // as much of it as the drain uses
      deliver: (record, _timestampMs, settle) => {
        sent.push(record);
        if (isAway) waiting.push({ record, settle });
        else setImmediate(() => write({ record, settle }));
      },
      partitionOf: ({ key }) => key,
      isAway: () => isAway,
      delivered: () => undefined,
      buried: (record) => record,
      setAside: () => Promise.resolve(),
      moved: () => undefined,
      failed: (error) => logged.push(String(error)),
      epoch: { now: () => 1_795_210_200_123 },
      monotonic: { now: () => nowMs },
      recordsPerSecond,
      stuckAfterMs: STUCK_AFTER_MS,
      ...others,
    });
    drain = subject;
    subject.start();
    const allLeftBehind = async (): Promise<void> => {
      await sent.count(PARTITIONS.length * WINDOW);
      nowMs += STUCK_AFTER_MS + 1;
      await disk.readToItsEnd();
    };
    const comeBack = (): void => {
      isAway = false;
      for (const entry of waiting.splice(0)) write(entry);
    };
    return { logged, allLeftBehind, comeBack };
  }

  it(
    'brings all partitions that were left behind in one reading, each in its order',
    async () => {
      const disk = new TestDisk(12_000);
      const { logged, allLeftBehind, comeBack } = startedOn(disk, 1_000_000);
      await allLeftBehind();
      const before = disk.readings.all.length;
      comeBack();
      await logged.count(12_000);
      const read = disk.readings.all.slice(before).reduce((sum, { records }) => sum + records, 0);
      expect(read).toBeLessThan(2 * disk.end);
      for (const [index, key] of PARTITIONS.entries())
        expect(logged.all.filter((text) => text.startsWith(key))).toEqual(
          Array.from({ length: 3_000 }, (_, n) => `${key}${n * PARTITIONS.length + index}`),
        );
      while (disk.released < disk.end) await new Promise((resolve) => setTimeout(resolve, 10)); // the test's limit ends it
    },
    LONG_MS,
  );

  it(
    'keeps to its rate also with what was left behind',
    async () => {
      const disk = new TestDisk(6_000);
      const { logged, allLeftBehind, comeBack } = startedOn(disk, 2_000);
      await allLeftBehind();
      const startedAt = performance.now();
      comeBack();
      await logged.count(6_000);
      expect(performance.now() - startedAt).toBeGreaterThan(1_500); // of 4,000: the others were on their way
    },
    LONG_MS,
  );

  it(
    'goes on with the others while one partition is slow, and brings that one in its order',
    async () => {
      const disk = new TestDisk(40_000);
      const others = new Inbox<string>();
      const ofA = new Inbox<string>();
      const slow: (() => void)[] = [];
      let isSlow = true;
      const answer = (records: number): void => {
        for (const write of slow.splice(0, records)) write();
      };
      startedOn(disk, 1_000_000, {
        isAway: () => false,
        monotonic: monotonicClock,
        stuckAfterMs: Infinity,
        deliver: (record, _timestampMs, settle) => {
          const write = (): void => {
            (record.key === 'a' ? ofA : others).push(Buffer.from(record.value ?? []).toString());
            settle(undefined, undefined, record);
          };
          if (isSlow && record.key === 'a') slow.push(write);
          else
            setImmediate(() => {
              write();
              if (others.all.length % 3_000 === 0) answer(500); // a sixth of what one of the others has got on
            });
        },
      });
      await others.count(30_000); // never, if they waited for it
      expect(ofA.all.length).toBeLessThanOrEqual(5_000);
      isSlow = false;
      answer(slow.length);
      await ofA.count(10_000);
      expect(ofA.all).toEqual(Array.from({ length: 10_000 }, (_, n) => String(n * PARTITIONS.length)));
    },
    LONG_MS,
  );

  it(
    'goes on behind a refused record while its dead letter waits for another partition, but not with its mark',
    async () => {
      const disk = new TestDisk(48_000);
      const others = new Inbox<string>();
      const answers: (() => void)[] = [];
      const letters: (() => void)[] = [];
      startedOn(disk, 1_000_000, {
        isAway: () => false,
        monotonic: monotonicClock,
        partitionOf: () => 'the only one',
        stuckAfterMs: 500,
        buried: (record) => ({ ...record, topic: 'fieldgate.dead-letters.v1' }),
        deliver: (record, _timestampMs, settle) => {
          const text = Buffer.from(record.value ?? []).toString();
          const isLetter = record.topic === 'fieldgate.dead-letters.v1';
          const answer = (): void => {
            if (text === '10' && !isLetter)
              return settle(new FieldgateError('record-refused', ''), undefined, record);
            if (!isLetter) others.push(text);
            settle(undefined, undefined, record);
          };
          if (isLetter) letters.push(answer);
          else if (answers.push(answer) === 1)
            setTimeout(() => {
              for (const each of answers.splice(0)) each();
            }, 20);
        },
      });
      await others.count(disk.end - 1);
      expect(others.all).toEqual(
        Array.from({ length: disk.end }, (_, n) => String(n)).filter((text) => text !== '10'),
      );
      expect(disk.released).toBeLessThanOrEqual(10);
      for (const answer of letters) answer();
      while (disk.released < disk.end) await new Promise((resolve) => setTimeout(resolve, 10)); // the test's limit ends it
    },
    LONG_MS,
  );

  it('holds no more dead letters than it holds records', async () => {
    const disk = new TestDisk(12_000);
    const letters = new Inbox<NewRecord>();
    startedOn(disk, 1_000_000, {
      monotonic: monotonicClock,
      buried: (record) => ({ ...record, topic: 'fieldgate.dead-letters.v1' }),
      deliver: (record, _timestampMs, settle) => {
        if (record.topic === 'fieldgate.dead-letters.v1') letters.push(record);
        else setImmediate(() => settle(new FieldgateError('record-refused', ''), undefined, record));
      },
    });
    await disk.readToItsEnd();
    expect(letters.all.length).toBeLessThanOrEqual(PARTITIONS.length * WINDOW);
  });

  it('gives each record the time at which it comes into the log, by which the log is searched', async () => {
    const disk = new TestDisk(4); // of time 0
    const times = new Inbox<number>();
    startedOn(disk, 1_000_000, {
      epoch: { now: () => 1_795_210_200_123 },
      deliver: (_record, timestampMs) => times.push(timestampMs),
    });
    expect(await times.count(4)).toEqual(Array.from({ length: 4 }, () => 1_795_210_200_123));
  });
});
