import { expect, it } from '@jest/globals';
import { LOG_TOPICS } from '@fieldgate/contracts';
import type { FieldgateError } from '@fieldgate/contracts';
import type { LogPosition } from '../../log-record.js';
import { appended } from '../../log-writer.js';
import { Inbox } from '../inbox.js';
import {
  BULK_TOPIC,
  bytes,
  CONTRACT_TIMEOUT_MS,
  say,
  textsOf,
  TOPIC,
  unique,
  type Subject,
} from './subject.js';
import { recordAt, recordsBetween } from './reading.js';

interface Settled {
  readonly text: string;
  readonly error: FieldgateError | undefined;
  readonly at: LogPosition | undefined;
}

/** What `LogWriter` promises. */
export function writerPromises(subject: Subject): void {
  it(
    'settles every record exactly once, never before append has returned, with its position',
    async () => {
      const settled = new Inbox<Settled>();
      const key = unique('device');
      let inside = false;
      let early = 0;
      for (let n = 0; n < 500; n += 1) {
        inside = true;
        subject.log.writer.append({ topic: TOPIC, key, value: bytes(`${n}`) }, (error, at) => {
          if (inside) early += 1;
          settled.push({ text: `${n}`, error, at });
        });
        inside = false;
      }
      await settled.count(500);
      await say(subject.log, TOPIC, key, 'after all of them'); // whatever settles twice has done so by now
      expect(early).toBe(0);
      expect(settled.all).toHaveLength(500);
      expect(new Set(settled.all.map(({ text }) => text)).size).toBe(500);
      expect(settled.all.every(({ error, at }) => error === undefined && at !== undefined)).toBe(true);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'keeps the order of the calls per key, and one key in one partition',
    async () => {
      const keys = Array.from({ length: 12 }, () => unique('device'));
      const start = await subject.log.reader.bounds(TOPIC);
      const positions = await Promise.all(
        Array.from({ length: 600 }, async (_, n) => {
          const key = keys[n % keys.length] ?? '';
          return { key, at: await appended(subject.log.writer, { topic: TOPIC, key, value: bytes(`${n}`) }) };
        }),
      );
      const records = await recordsBetween(subject.log, TOPIC, start);
      for (const key of keys) {
        const own = positions.filter((position) => position.key === key).map(({ at }) => at);
        expect(new Set(own.map(({ partition }) => partition))).toEqual(
          new Set([subject.log.reader.partitionOf(TOPIC, key)]),
        );
        expect(own.map(({ offset }) => offset)).toEqual(
          own.map(({ offset }) => offset).toSorted((a, b) => a - b),
        );
        const texts = textsOf(records.filter((record) => record.key === key)).map(Number);
        expect(texts).toEqual(texts.toSorted((a, b) => a - b));
        expect(texts).toHaveLength(50);
      }
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'gives back the very bytes, key and time of what was appended',
    async () => {
      const key = `${unique('gerät')}/ß`;
      const value = Uint8Array.from({ length: 256 }, (_, n) => n);
      const before = Date.now();
      const at = await appended(subject.log.writer, { topic: TOPIC, key, value });
      const after = Date.now();
      const record = await recordAt(subject.log, TOPIC, at);
      expect(record).toMatchObject({ ...at, topic: TOPIC, key });
      expect(Buffer.from(record?.value ?? []).equals(value)).toBe(true);
      expect(record?.timestampMs).toBeGreaterThanOrEqual(before);
      expect(record?.timestampMs).toBeLessThanOrEqual(after);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'tells a tombstone from an empty value',
    async () => {
      const key = unique('device');
      const tombstone = await appended(subject.log.writer, { topic: TOPIC, key, value: null });
      const empty = await appended(subject.log.writer, { topic: TOPIC, key, value: new Uint8Array(0) });
      expect((await recordAt(subject.log, TOPIC, tombstone))?.value).toBeNull();
      expect((await recordAt(subject.log, TOPIC, empty))?.value).toHaveLength(0);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'puts records where their partition key says, under their own key',
    async () => {
      const device = unique('device');
      const expected = subject.log.reader.partitionOf('fieldgate.alert-states.v1', device);
      for (const rule of ['hot', 'cold', 'silent', 'drifting']) {
        const record = {
          topic: 'fieldgate.alert-states.v1',
          key: `${device}/${rule}`,
          value: bytes(rule),
        } as const;
        const at = await appended(subject.log.writer, { ...record, partitionKey: device });
        expect(at.partition).toBe(expected);
        expect((await recordAt(subject.log, 'fieldgate.alert-states.v1', at))?.key).toBe(`${device}/${rule}`);
      }
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'refuses a value above 1 MiB for good, and never its neighbours',
    async () => {
      const settled = new Inbox<Settled>();
      const key = unique('device');
      const values = ['before', 'x'.repeat(1024 * 1024 + 1), 'between', 'y'.repeat(900 * 1024), 'after'];
      for (const text of values)
        subject.log.writer.append({ topic: TOPIC, key, value: bytes(text) }, (error, at) =>
          settled.push({ text: text.slice(0, 10), error, at }),
        );
      await settled.count(5);
      const refused = settled.all.filter(({ error }) => error !== undefined);
      expect(refused.map(({ text, error }) => [text, error?.code, error?.retriable])).toEqual([
        ['xxxxxxxxxx', 'record-refused', false],
      ]);
      const kept = settled.all.filter(({ error }) => error === undefined);
      expect(kept.map(({ text }) => text)).toEqual(['before', 'between', 'yyyyyyyyyy', 'after']);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'takes everything, says when too much is waiting, and calls drained once when half is left',
    async () => {
      const key = unique('device');
      const value = bytes('small');
      const drained = new Inbox<number>();
      const settled = new Inbox<FieldgateError | undefined>();
      let unsettled = 0;
      let limit = 0;
      while (limit === 0 && unsettled < 500_000) {
        unsettled += 1;
        const more = subject.log.writer.append({ topic: BULK_TOPIC, key, value }, (error) => {
          unsettled -= 1;
          if (unsettled === 0) settled.push(error);
        });
        if (!more) limit = unsettled;
      }
      expect(limit).toBeGreaterThan(0);
      subject.log.writer.drained(() => drained.push(unsettled));
      expect(drained.all).toHaveLength(0); // in a later turn, always
      const [left] = await drained.count(1);
      expect(left).toBeLessThanOrEqual(limit / 2);
      expect(await settled.count(1)).toEqual([undefined]);
      expect(drained.all).toHaveLength(1);
    },
    CONTRACT_TIMEOUT_MS,
  );

  it('calls drained in a later turn when little is waiting', async () => {
    const drained = new Inbox<string>();
    subject.log.writer.drained(() => drained.push('drained'));
    expect(drained.all).toHaveLength(0);
    await drained.count(1);
  });

  it('names a partition of every topic for every key', async () => {
    for (const topic of Object.keys(LOG_TOPICS) as (keyof typeof LOG_TOPICS)[]) {
      // the keys of a constant
      const partitions = (await subject.log.reader.bounds(topic)).map(({ partition }) => partition);
      for (const key of ['a', 'pump-7', 'ß', ''])
        expect(partitions).toContain(subject.log.reader.partitionOf(topic, key));
    }
  });
}
