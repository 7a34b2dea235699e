import { expect, it } from '@jest/globals';
import { HANDLED, type LogBatch } from '../../log-reader.js';
import {
  CONTRACT_TIMEOUT_MS,
  Member,
  nextOf,
  OTHER_TOPIC,
  say,
  textsOf,
  TOPIC,
  unique,
  uniqueGroup,
  withKey,
  type Subject,
} from './subject.js';

/** What `LogReader.consume` promises of a member that handles everything. */
export function consumerPromises(subject: Subject): void {
  it(
    'gives a new group everything from the earliest record on, in order, and then what comes',
    async () => {
      const key = unique('device');
      await say(subject.log, TOPIC, key, '1', '2', '3');
      const member = await new Member(subject.log, uniqueGroup(), withKey(key)).start();
      await member.records.count(3);
      await say(subject.log, TOPIC, key, '4', '5');
      await member.records.count(5);
      await member.stop();
      expect(textsOf(member.records.all)).toEqual(['1', '2', '3', '4', '5']);
      expect(member.failures.all).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'names in every batch its topic, its partition and the offset it goes on from, without a gap',
    async () => {
      const keys = [unique('device'), unique('device'), unique('device')];
      const isMine = (record: { key: string }): boolean => keys.includes(record.key);
      const member = await new Member(subject.log, uniqueGroup(), isMine).start([TOPIC, OTHER_TOPIC]);
      for (const key of keys) await say(subject.log, TOPIC, key, '1', '2');
      for (const key of keys) await say(subject.log, OTHER_TOPIC, key, '1', '2');
      await member.records.count(12);
      await member.stop();
      const nextOffsets = new Map<string, number>();
      for (const batch of member.batches.all) {
        const place = `${batch.topic}/${batch.partition}`;
        const goesOn = batch.from >= (nextOffsets.get(place) ?? 0);
        const inOrder = batch.records.every((record) => {
          const isNext = record.offset >= Math.max(batch.from, nextOffsets.get(place) ?? 0);
          nextOffsets.set(place, record.offset + 1);
          return isNext && `${record.topic}/${record.partition}` === place;
        });
        expect([place, batch.from, goesOn, inOrder]).toEqual([place, batch.from, true, true]);
        expect(batch.assignment).toMatchObject({ topic: batch.topic, partition: batch.partition });
      }
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'goes on where the group left off',
    async () => {
      const key = unique('device');
      const group = uniqueGroup();
      await say(subject.log, TOPIC, key, '1', '2');
      const first = await new Member(subject.log, group, withKey(key)).start();
      await first.records.count(2);
      await first.stop();
      await say(subject.log, TOPIC, key, '3', '4');
      const second = await new Member(subject.log, group, withKey(key)).start();
      await second.records.count(2);
      await second.stop();
      expect(textsOf(first.records.all)).toEqual(['1', '2']);
      expect(textsOf(second.records.all)).toEqual(['3', '4']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'hands over a first batch of every partition at once, even when it is empty',
    async () => {
      const group = uniqueGroup();
      const first = await new Member(subject.log, group, () => true).start();
      await first.atEnd();
      await first.stop();
      const partitions = (await subject.log.reader.bounds(TOPIC)).map(({ partition }) => partition);
      const second = await new Member(subject.log, group, () => true).start();
      await second.batches.until((all) =>
        partitions.every((partition) => all.some((batch) => batch.partition === partition)),
      );
      await second.stop();
      expect(second.records.all).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'hands over the batches of one partition one after another',
    async () => {
      const key = unique('device');
      const inHand = new Map<number, number>();
      let most = 0;
      const handle = async (batch: LogBatch): Promise<typeof HANDLED> => {
        const now = (inHand.get(batch.partition) ?? 0) + 1;
        inHand.set(batch.partition, now);
        most = Math.max(most, now);
        await new Promise(setImmediate); // time for a second batch to come too early
        inHand.set(batch.partition, now - 1);
        return HANDLED;
      };
      const member = await new Member(subject.log, uniqueGroup(), withKey(key), handle).start();
      for (let n = 0; n < 20; n += 1) await say(subject.log, TOPIC, key, `${n}`);
      await member.records.count(20);
      await member.stop();
      expect(most).toBe(1);
      expect(textsOf(member.records.all)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'lets every group have everything',
    async () => {
      const key = unique('device');
      const one = await new Member(subject.log, uniqueGroup(), withKey(key)).start();
      const two = await new Member(subject.log, uniqueGroup(), withKey(key)).start();
      await say(subject.log, TOPIC, key, '1', '2', '3');
      await Promise.all([one.records.count(3), two.records.count(3)]);
      await one.stop();
      await say(subject.log, TOPIC, key, '4');
      await two.records.count(4);
      await two.stop();
      expect(textsOf(one.records.all)).toEqual(['1', '2', '3']);
      expect(textsOf(two.records.all)).toEqual(['1', '2', '3', '4']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'lets the batch in hand end before it stops, and counts it as handled',
    async () => {
      const key = unique('device');
      const group = uniqueGroup();
      let release: () => void = () => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      const slow = async (batch: LogBatch): Promise<typeof HANDLED> => {
        if (batch.records.some(withKey(key))) await held;
        return HANDLED;
      };
      await say(subject.log, TOPIC, key, '1');
      const member = await new Member(subject.log, group, withKey(key), slow).start();
      await member.records.count(1);
      const stopping = member.stop();
      const again = member.stop();
      release();
      await Promise.all([stopping, again]);
      await say(subject.log, TOPIC, key, '2');
      const next = await new Member(subject.log, group, withKey(key)).start();
      await next.records.count(1);
      await next.stop();
      expect(textsOf(next.records.all)).toEqual(['2']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'holds an assignment from its first batch until the consumption stops',
    async () => {
      const key = unique('device');
      const heldInside: boolean[] = [];
      const look = (batch: LogBatch): typeof HANDLED => {
        heldInside.push(batch.assignment.isHeld());
        return HANDLED;
      };
      const member = await new Member(subject.log, uniqueGroup(), withKey(key), look).start();
      await say(subject.log, TOPIC, key, '1');
      await member.records.count(1);
      await say(subject.log, TOPIC, key, '2');
      await member.records.count(2);
      await member.stop();
      const partition = subject.log.reader.partitionOf(TOPIC, key);
      const own = member.batches.all.filter((batch) => batch.partition === partition);
      expect(new Set(own.map(({ assignment }) => assignment)).size).toBe(1);
      expect(heldInside).not.toContain(false);
      expect(own.map(({ assignment }) => assignment.isHeld())).not.toContain(true);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'lets two members share a group, and the one that stays go on for the one that leaves',
    async () => {
      const keys = Array.from({ length: 8 }, () => unique('device'));
      const group = uniqueGroup();
      const isMine = (record: { key: string }): boolean => keys.includes(record.key);
      const one = await new Member(subject.log, group, isMine).start();
      const two = await new Member(subject.log, group, isMine).start();
      const both = (): Set<string | null> =>
        new Set(
          [...one.records.all, ...two.records.all].map((record) => `${record.key}:${textsOf([record])[0]}`),
        );
      const arrived = (count: number): Promise<unknown> =>
        Promise.race([
          one.records.until(() => both().size >= count),
          two.records.until(() => both().size >= count),
        ]);
      for (const key of keys) await say(subject.log, TOPIC, key, '1');
      await arrived(8);
      await one.stop();
      for (const key of keys) await say(subject.log, TOPIC, key, '2');
      await arrived(16);
      await two.stop();
      expect(both().size).toBe(16);
      expect(two.records.all.filter((record) => textsOf([record])[0] === '2')).toHaveLength(8);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'tells how far a group is behind',
    async () => {
      const key = unique('device');
      await say(subject.log, TOPIC, key, 'so that its partition has a place to commit');
      const member = await new Member(subject.log, uniqueGroup(), withKey(key)).start();
      await member.atEnd();
      await member.stop();
      expect(await subject.log.reader.lag(member.group, TOPIC)).toBe(0);
      await say(subject.log, TOPIC, key, '1', '2', '3');
      expect(await subject.log.reader.lag(member.group, TOPIC)).toBe(3);
      const bounds = await subject.log.reader.bounds(TOPIC);
      const kept = bounds.reduce((sum, { earliest, end }) => sum + end - earliest, 0);
      expect(await subject.log.reader.lag(uniqueGroup(), TOPIC)).toBe(kept);
      const partition = subject.log.reader.partitionOf(TOPIC, key);
      const end = bounds.find((bound) => bound.partition === partition)?.end ?? 0;
      const committed = await subject.log.reader.committed(member.group, TOPIC);
      expect(committed.get(partition)).toBe(end - 3);
      expect(await subject.log.reader.committed(uniqueGroup(), TOPIC)).toEqual(new Map());
      expect(member.batches.all.every((batch) => nextOf(batch) >= batch.from)).toBe(true);
    },
    CONTRACT_TIMEOUT_MS,
  );
}
