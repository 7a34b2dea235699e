import { expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { HANDLED, type BatchOutcome, type LogBatch } from '../../log-reader.js';
import {
  CONTRACT_TIMEOUT_MS,
  Member,
  OTHER_TOPIC,
  say,
  textOf,
  textsOf,
  TOPIC,
  unique,
  uniqueGroup,
  withKey,
  type Subject,
} from './subject.js';

/** Named indices of the records with these texts under this key. */
function indicesOf(batch: LogBatch, key: string, text: string): number[] {
  return batch.records.flatMap((record, index) =>
    record.key === key && textOf(record) === text ? [index] : [],
  );
}

/** What `LogReader.consume` promises about what a handler answers, or throws. */
export function outcomePromises(subject: Subject): void {
  it(
    'goes past what was refused',
    async () => {
      const key = unique('device');
      const group = uniqueGroup();
      const refuse = (batch: LogBatch): BatchOutcome => ({
        refused: indicesOf(batch, key, 'bad').map((index) => ({
          index,
          code: 'payload-shape',
          detail: 'bad',
        })),
        retry: [],
      });
      const member = await new Member(subject.log, group, withKey(key), refuse).start();
      await say(subject.log, TOPIC, key, 'good', 'bad', 'good too', 'bad');
      await member.records.count(4);
      await member.stop();
      await say(subject.log, TOPIC, key, 'next');
      const next = await new Member(subject.log, group, withKey(key)).start();
      await next.records.count(1);
      await next.stop();
      expect(textsOf(next.records.all)).toEqual(['next']);
      expect(textsOf(member.records.all)).toEqual(['good', 'bad', 'good too', 'bad']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'hands over again after a pause, from the first that is to be retried on, and never what was handled before it',
    async () => {
      const key = unique('device');
      const times: number[] = [];
      const retryTwice = (batch: LogBatch): BatchOutcome => {
        const retry = indicesOf(batch, key, 'later');
        if (retry.length > 0) times.push(performance.now());
        return times.length <= 2 ? { refused: [], retry } : HANDLED;
      };
      const group = uniqueGroup();
      await say(subject.log, TOPIC, key, 'before', 'later', 'after');
      const member = await new Member(subject.log, group, withKey(key), retryTwice).start();
      await member.records.until((all) => all.filter((record) => textOf(record) === 'later').length >= 3);
      await member.records.until((all) => textOf(all.at(-1) ?? fail()) === 'after');
      await member.stop();
      const [first = 0, second = 0, third = 0] = times;
      expect(second - first).toBeGreaterThan(50);
      expect(third - second).toBeGreaterThan(50);
      const texts = textsOf(member.records.all);
      expect(texts.filter((text) => text === 'before')).toHaveLength(1);
      expect(texts.filter((text) => text === 'later')).toHaveLength(3);
      const again = member.batches.all.filter(
        ({ records: [first] }) => first !== undefined && textOf(first) === 'later', // the first batch of a partition may be empty
      );
      expect(again.map((batch) => batch.from)).toEqual(again.map((batch) => batch.records[0]?.offset));
      expect(again.length).toBeGreaterThanOrEqual(2);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'keeps the order while it retries: nothing behind it is counted as handled',
    async () => {
      const key = unique('device');
      const group = uniqueGroup();
      const always = (batch: LogBatch): BatchOutcome => ({
        refused: [],
        retry: indicesOf(batch, key, 'stuck'),
      });
      await say(subject.log, TOPIC, key, 'before', 'stuck', 'after');
      const member = await new Member(subject.log, group, withKey(key), always).start();
      await member.records.until((all) => all.filter((record) => textOf(record) === 'stuck').length >= 2);
      await member.stop();
      const next = await new Member(subject.log, group, withKey(key)).start();
      await next.records.count(2);
      await next.stop();
      expect(textsOf(next.records.all)).toEqual(['stuck', 'after']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'blocks only the partition that waits for its retry',
    async () => {
      const key = unique('device');
      const always = (batch: LogBatch): BatchOutcome => ({
        refused: [],
        retry: indicesOf(batch, key, 'stuck'),
      });
      await say(subject.log, TOPIC, key, 'stuck');
      const member = await new Member(subject.log, uniqueGroup(), withKey(key), always).start([
        TOPIC,
        OTHER_TOPIC,
      ]);
      await member.records.count(1);
      for (let n = 0; n < 5; n += 1) {
        await say(subject.log, OTHER_TOPIC, key, `free ${n}`);
        await member.records.until((all) => all.some((record) => textOf(record) === `free ${n}`));
      }
      await member.records.until((all) => all.filter((record) => textOf(record) === 'stuck').length >= 3);
      await member.stop();
      const free = member.records.all.filter((record) => record.topic === OTHER_TOPIC);
      expect(textsOf(free)).toEqual(['free 0', 'free 1', 'free 2', 'free 3', 'free 4']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'takes a retriable error as a retry of the whole batch',
    async () => {
      const key = unique('device');
      const failed: LogBatch[] = [];
      const failOnce = (batch: LogBatch): BatchOutcome => {
        if (failed.length > 0 || !batch.records.some(withKey(key))) return HANDLED;
        failed.push(batch);
        throw new FieldgateError('store-unavailable');
      };
      await say(subject.log, TOPIC, key, '1', '2');
      const member = await new Member(subject.log, uniqueGroup(), withKey(key), failOnce).start();
      const again = (batch: LogBatch): boolean =>
        batch.partition === failed[0]?.partition && batch.from === failed[0].from;
      await member.batches.until((all) => all.filter(again).length >= 2);
      await member.records.until((all) => all.filter((record) => textOf(record) === '2').length >= 2);
      await member.stop();
      const offsets = failed[0]?.records.map(({ offset }) => offset);
      const repeated = member.batches.all.findLast(again);
      expect(repeated?.records.slice(0, offsets?.length).map(({ offset }) => offset)).toEqual(offsets);
      expect(member.failures.all).toEqual([]);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it.each([
    ['an error of no kind', new Error('a bug')],
    ['a final error', new FieldgateError('internal-error')],
  ])(
    'ends with %s, reports it, and leaves the offset where it was',
    async (_, error) => {
      const key = unique('device');
      const group = uniqueGroup();
      const fails = (batch: LogBatch): BatchOutcome => {
        if (batch.records.some(withKey(key))) throw error;
        return HANDLED;
      };
      await say(subject.log, TOPIC, key, '1');
      const member = await new Member(subject.log, group, withKey(key), fails).start();
      expect(await member.failures.count(1)).toEqual([error]);
      await member.stop(); // has stopped by itself; may still be called
      expect(member.batches.all.map(({ assignment }) => assignment.isHeld())).not.toContain(true);
      const next = await new Member(subject.log, group, withKey(key)).start();
      await next.records.count(1);
      await next.stop();
      expect(textsOf(next.records.all)).toEqual(['1']);
      expect(member.failures.all).toHaveLength(1);
    },
    CONTRACT_TIMEOUT_MS,
  );
}

function fail(context?: unknown): never {
  throw new Error('a record was expected here', { cause: context });
}
