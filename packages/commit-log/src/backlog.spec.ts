import { describe, expect, it } from '@jest/globals';
import { Backlog, MAX_KEY_BYTES, MAX_VALUE_BYTES, refusalOf } from './backlog.js';

describe('the backlog', () => {
  it('is full at its limit of records, or of bytes', () => {
    const records = new Backlog({ records: 2, bytes: 100 });
    expect([records.add(1), records.add(1)]).toEqual([true, false]);
    const bytes = new Backlog({ records: 100, bytes: 100 });
    expect([bytes.add(99), bytes.add(1)]).toEqual([true, false]);
  });

  it('calls each listener once, when half is left', () => {
    const backlog = new Backlog({ records: 4, bytes: 1000 });
    let calls = 0;
    for (let n = 0; n < 4; n += 1) backlog.add(1);
    backlog.drained(() => (calls += 1));
    backlog.remove(1, 1);
    expect(calls).toBe(0);
    backlog.remove(1, 1);
    expect(calls).toBe(1);
    backlog.remove(2, 2);
    expect(calls).toBe(1);
  });

  it('calls a listener in a later turn when little is waiting', async () => {
    const backlog = new Backlog({ records: 4, bytes: 1000 });
    let calls = 0;
    backlog.drained(() => (calls += 1));
    expect(calls).toBe(0);
    await new Promise(setImmediate);
    expect(calls).toBe(1);
  });
});

describe('a record that will never be taken', () => {
  const record = { topic: 'fieldgate.events.v1', key: 'pump-7', value: null } as const;

  it('has a value above 1 MiB', () => {
    expect(refusalOf({ ...record, value: Buffer.alloc(MAX_VALUE_BYTES) })).toBeUndefined();
    expect(refusalOf({ ...record, value: Buffer.alloc(MAX_VALUE_BYTES + 1) })?.code).toBe('record-refused');
  });

  it('has a key above 1 KiB of UTF-8', () => {
    expect(refusalOf({ ...record, key: 'k'.repeat(MAX_KEY_BYTES) })).toBeUndefined();
    expect(refusalOf({ ...record, key: 'ß'.repeat(MAX_KEY_BYTES) })?.code).toBe('record-refused');
  });
});
