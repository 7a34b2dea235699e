import { describe, expect, it } from '@jest/globals';
import { isRejection } from '../errors.js';
import {
  decodeTelemetry,
  encodeTelemetry,
  telemetryWriter,
  type EventIdentity,
} from '../telemetry/telemetry-record.js';
import type { TelemetryMessage } from '../telemetry/parse-telemetry.js';
import { telemetryIdentity } from './telemetry-identity.js';

const NOW = Date.parse('2026-11-20T21:30:00.161Z');

function record(
  message: TelemetryMessage,
  more: Partial<EventIdentity> & { connection?: string } = {},
): Uint8Array {
  const { connection, id = '~b-1', timeMs = NOW, claimedMs } = more;
  const identity = { id, timeMs, ...(claimedMs === undefined ? {} : { claimedMs }) };
  return encodeTelemetry(telemetryWriter('pump-7', 'gw-1', connection), message, identity, NOW);
}

describe('what is counted of a record', () => {
  it.each([
    record({ readings: { a: 1 } }),
    record({ readings: { a: 1 }, seq: 42 }, { connection: '9f0c', id: '1795210200123-42', timeMs: NOW - 38 }),
    record({ readings: { a: 1 }, seq: Number.MAX_SAFE_INTEGER }, { connection: '9f0c', claimedMs: 5 }),
    record({ readings: { a: '},"seq":7}}' } }, { connection: '9f0c' }),
    record({ readings: { b: '","connection":"forged","datacontenttype":' }, seq: 3 }, { connection: '9f0c' }),
    record({ readings: { a: 'x'.repeat(1_000), b: 'y'.repeat(1_000) }, seq: 5 }),
  ])('is what decoding it says: %#', (value) => {
    const decoded = decodeTelemetry(value);
    if (isRejection(decoded)) throw new Error(decoded.detail);
    const { id, timeMs, receivedMs, connection, seq } = decoded;
    expect(telemetryIdentity(value)).toEqual({ id, timeMs, receivedMs, connection, seq });
  });

  it.each(['{"some":"thing"}', 'not json', ''])('is left to others: %s', (text) => {
    expect(telemetryIdentity(Buffer.from(text))).toBeUndefined();
  });

  it('is left to others when its id is escaped', () => {
    const value = record({ readings: { a: 1 }, id: 'a"b' }, { id: 'a"b' });
    expect(telemetryIdentity(value)).toBeUndefined();
  });
});
