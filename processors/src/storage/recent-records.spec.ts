import { describe, expect, it } from '@jest/globals';
import { encodeTelemetry, telemetryWriter } from '@fieldgate/contracts';
import { nameOf, RecentRecords, recordName } from './recent-records.js';

describe('records seen lately', () => {
  it('always know the newest of them, and forget the oldest', () => {
    const recent = new RecentRecords(100);
    for (let i = 0; i < 1_000; i++) recent.add(String(i));
    for (let i = 900; i < 1_000; i++) expect(recent.has(String(i))).toBe(true);
    expect(recent.has('0')).toBe(false);
    expect(recent.has('700')).toBe(false);
  });

  it.each(['1795210200123-42', 'a"quoted\\id', 'id/3'])(
    'are named by what stands at the front of a record: %s',
    (id) => {
      const value = encodeTelemetry(
        telemetryWriter('pump-7', 'gw-1'),
        { id, readings: { a: 1 } },
        { id, timeMs: 0 },
        0,
      );
      expect(nameOf(value)).toBe(recordName('pump-7', id));
    },
  );

  it('leave out what is not ours', () => {
    expect(nameOf(Buffer.from('{"some":"thing"}'))).toBeUndefined();
  });
});
