import { describe, expect, it } from '@jest/globals';
import { deadLetterRecordSchema, encodeDeadLetter, type DeadLetterOrigin } from './dead-letter.js';
import { parseJson } from './parse-json.js';
import { isRejection } from './errors.js';

const letter = {
  deviceId: 'pump-7',
  id: 'x-1',
  code: 'payload-not-utf8' as const,
  detail: 'The payload is not valid UTF-8.',
  payload: Uint8Array.of(0xff, 0x00, 0xc3, 0x28),
  atMs: 1_795_210_200_123,
};
const ORIGINS: DeadLetterOrigin[] = [
  { kind: 'mqtt', topic: 'devices/pump-7/telemetry', qos: 1 },
  { kind: 'mqtt', topic: 'devices/pump-7/telemetry', qos: 0, elements: [3, 17] },
  { kind: 'log', topic: 'fieldgate.telemetry.v1', partition: 2, offset: 77, group: 'fieldgate.storage' },
];

describe('dead letters', () => {
  it.each(ORIGINS)('keep the bytes as they came, and where from: %j', (origin) => {
    const parsed = parseJson(encodeDeadLetter({ ...letter, origin, gatewayId: 'gw-1' }));
    if (isRejection(parsed)) throw new Error(parsed.detail);
    const record = deadLetterRecordSchema.parse(parsed.value);
    expect(record).toMatchObject({
      source: '/devices/pump-7',
      subject: 'pump-7',
      id: 'x-1',
      gateway: 'gw-1',
    });
    expect(record.time).toBe('2026-11-20T21:30:00.123Z');
    expect(record.data).toEqual({
      code: 'payload-not-utf8',
      detail: letter.detail,
      origin,
      payload: '/wDDKA==',
    });
    expect(new Uint8Array(Buffer.from(record.data.payload, 'base64'))).toEqual(letter.payload);
  });

  it('take an empty payload', () => {
    const bytes = encodeDeadLetter({
      ...letter,
      origin: ORIGINS[0] as DeadLetterOrigin,
      payload: new Uint8Array(),
    }); // there are three
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ data: { payload: '' } });
  });
});
