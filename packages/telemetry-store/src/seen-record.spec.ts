import { describe, expect, it } from '@jest/globals';
import {
  encodeEvent,
  encodeTelemetry,
  mintedId,
  telemetryWriter,
  type EventIdentity,
} from '@fieldgate/contracts';
import { recordName, seenRecordOf } from './seen-record.js';

function telemetry(identity: EventIdentity): Uint8Array {
  const message = { id: identity.id, readings: { a: 1 } };
  return encodeTelemetry(telemetryWriter('pump-7', 'gw-1'), message, identity, 0);
}

function nameOf(value: Uint8Array): string | undefined {
  const seen = seenRecordOf(value);
  return seen?.isFiledUnderArrival ? recordName(seen.deviceId, seen.id) : undefined;
}

describe('what is seen of a record without parsing it', () => {
  it.each(['1795210200123-42', 'a"quoted\\id', 'id/3'])(
    'are named by what stands at the front of a record: %s',
    (id) => {
      expect(nameOf(telemetry({ id, timeMs: 0 }))).toBe(recordName('pump-7', id));
      expect(nameOf(telemetry({ id, timeMs: 0, claimedMs: 5 }))).toBe(recordName('pump-7', id));
      const event = { deviceId: 'pump-7', event: 'hot', state: 'raised', severity: 'info' } as const;
      expect(nameOf(encodeEvent(event, { id, timeMs: 7 }, 7))).toBe(recordName('pump-7', id));
    },
  );

  it.each([String.raw`a\xb`, String.raw`a\u12`, 'a\\\n'])(
    'leave out what another producer wrote and nobody can read: %j',
    (id) => {
      const front = `{"specversion":"1.0","type":"a","source":"b","subject":"pump-7","id":"${id}","time":"${new Date(0).toISOString()}","data":{}}`;
      expect(seenRecordOf(Buffer.from(front))).toBeUndefined();
    },
  );

  it('leave out what has no time that can be read', () => {
    const front =
      '{"specversion":"1.0","type":"a","source":"b","subject":"pump-7","id":"m-1","time":"yesterday"}';
    expect(seenRecordOf(Buffer.from(front))).toBeUndefined();
  });

  it('leave out what is filed under the device’s own time: the store finds it', () => {
    expect(nameOf(telemetry({ id: 'a', timeMs: -1 }))).toBeUndefined();
    expect(nameOf(telemetry({ id: 'a","time":"x","receivedtime":"x', timeMs: -1 }))).toBeUndefined();
  });

  it('are known with the device’s own time, too: the store may have to be told of them', () => {
    const timeMs = 1_795_210_200_123;
    expect(seenRecordOf(telemetry({ id: 'a', timeMs }))).toEqual({
      deviceId: 'pump-7',
      id: 'a',
      timeMs,
      isFiledUnderArrival: false,
    });
  });

  it('are never named by what a device has written into its readings', () => {
    const forged = { subject: 'pump-8', id: 'b', time: 'x', receivedtime: 'x' };
    const value = encodeTelemetry(
      telemetryWriter('pump-7', 'gw-1'),
      { readings: forged },
      { id: 'a', timeMs: -1 },
      0,
    );
    expect(nameOf(value)).toBeUndefined();
  });

  it('are named however long their ids are', () => {
    const deviceId = 'd'.repeat(64);
    const id = `${'"'.repeat(128)}/999`;
    const value = encodeTelemetry(
      telemetryWriter(deviceId, 'gw-1'),
      { id, readings: { a: 1 } },
      { id, timeMs: 0 },
      0,
    );
    expect(nameOf(value)).toBe(recordName(deviceId, id));
  });

  it('leave out ids that a gateway made up, which have places of their own, but not those of what is driven again', () => {
    const named = (id: string): string | undefined =>
      nameOf(
        encodeTelemetry(telemetryWriter('pump-7', 'gw-1'), { readings: { a: 1 } }, { id, timeMs: 0 }, 0),
      );
    expect(named(mintedId('b00t-1', 7))).toBeUndefined();
    expect(named('redriven-0-7/2')).toBe(recordName('pump-7', 'redriven-0-7/2'));
  });

  it('leave out what is not ours', () => {
    expect(nameOf(Buffer.from('{"some":"thing"}'))).toBeUndefined();
  });
});
