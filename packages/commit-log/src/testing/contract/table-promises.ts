import { expect, it } from '@jest/globals';
import type { LogRecord } from '../../log-record.js';
import { LogTable, type TableChange } from '../../log-table.js';
import { appended } from '../../log-writer.js';
import { Inbox } from '../inbox.js';
import { bytes, CONTRACT_TIMEOUT_MS, say, TABLE_TOPIC, unexpected, unique, type Subject } from './subject.js';

/** What `LogTable` promises, on this log. */
export function tablePromises(subject: Subject): void {
  const unreadable = new Inbox<LogRecord>();

  function table(): LogTable<string> {
    const parse = (value: Uint8Array): string | undefined => {
      const text = Buffer.from(value).toString();
      return text === 'garbage' ? undefined : text;
    };
    return new LogTable(subject.log.reader, TABLE_TOPIC, parse, {
      failed: unexpected,
      unreadable: unreadable.push,
    });
  }

  it(
    'holds the latest record per key once it has caught up',
    async () => {
      const [one, two, gone] = [unique('device'), unique('device'), unique('device')];
      await say(subject.log, TABLE_TOPIC, one, 'old', 'new');
      const [at] = await say(subject.log, TABLE_TOPIC, two, 'only');
      await say(subject.log, TABLE_TOPIC, gone, 'registered');
      await appended(subject.log.writer, { topic: TABLE_TOPIC, key: gone, value: null });
      const devices = table();
      await devices.start();
      await devices.caughtUp();
      expect([devices.get(one), devices.get(two), devices.get(gone)]).toEqual(['new', 'only', undefined]);
      expect(devices.positionOf(two)).toEqual(at);
      expect(devices.positionOf(gone)).toBeUndefined();
      expect(new Map(devices.entries()).get(one)).toBe('new');
      expect(devices.size).toBeGreaterThanOrEqual(2);
      await devices.stop();
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'has the record at a position, and all before it, when it has reached it',
    async () => {
      const key = unique('device');
      const devices = table();
      await devices.start();
      for (const text of ['1', '2', '3']) {
        const [at] = await say(subject.log, TABLE_TOPIC, key, text);
        await devices.reached(at ?? unexpected('no position'));
        expect(devices.get(key)).toBe(text);
        expect(devices.positionOf(key)).toEqual(at);
      }
      await devices.stop();
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'tells every change in order, with what was there before, after it has changed',
    async () => {
      const key = unique('device');
      const devices = table();
      const changes = new Inbox<TableChange<string> & { readonly now: string | undefined }>();
      await devices.start();
      await devices.caughtUp();
      const unsubscribe = devices.changes((change) => {
        if (change.key === key) changes.push({ ...change, now: devices.get(key) });
      });
      const positions = await say(subject.log, TABLE_TOPIC, key, '1', '2');
      const tombstone = await appended(subject.log.writer, { topic: TABLE_TOPIC, key, value: null });
      await changes.count(3);
      unsubscribe();
      const [after] = await say(subject.log, TABLE_TOPIC, key, 'unheard');
      await devices.reached(after ?? unexpected('no position'));
      expect(changes.all).toEqual([
        { key, value: '1', previous: undefined, at: positions[0], now: '1' },
        { key, value: '2', previous: '1', at: positions[1], now: '2' },
        { key, value: undefined, previous: '2', at: tombstone, now: undefined },
      ]);
      await devices.stop();
    },
    CONTRACT_TIMEOUT_MS,
  );

  it(
    'skips a record that it cannot read, and reports it',
    async () => {
      const key = unique('device');
      const devices = table();
      await devices.start();
      await say(subject.log, TABLE_TOPIC, key, 'good');
      const at = await appended(subject.log.writer, { topic: TABLE_TOPIC, key, value: bytes('garbage') });
      await devices.reached(at);
      expect(devices.get(key)).toBe('good');
      expect(unreadable.all.filter((record) => record.key === key).map(({ offset }) => offset)).toEqual([
        at.offset,
      ]);
      await devices.stop();
    },
    CONTRACT_TIMEOUT_MS,
  );
}
