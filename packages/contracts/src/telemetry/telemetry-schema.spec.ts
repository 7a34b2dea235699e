import { describe, expect, it } from '@jest/globals';
import { isRejection } from '../errors.js';
import { telemetryDataSchema, telemetryPayloadSchema } from './telemetry-schema.js';
import { parseTelemetry } from './parse-telemetry.js';
import { decodeTelemetry, encodeTelemetry, identify, telemetryWriter } from './telemetry-record.js';

function parserTakes(payload: unknown): boolean {
  const parsed = parseTelemetry(Buffer.from(JSON.stringify(payload)));
  if (isRejection(parsed)) return false;
  return parsed.kind === 'one' || !parsed.elements.some(isRejection);
}

describe('the documented schema and the parser of telemetry', () => {
  it.each([
    { temperature: 21.5 },
    { temperature: 21.5, running: true, mode: 'eco' },
    { ts: 1_795_210_200_123, seq: 42, readings: { a: 1 } },
    { ts: '2026-11-20T21:30:00Z', a: 1 },
    { ts: '2026-11-20T21:30:00.123+01:00', a: 1 },
    { id: 'x', readings: { nested: { deep: 1 } } },
    { a: { b: { c: true } } },
    { a: {}, b: 1 },
    { readings: 5 },
    { readings: { a: 1 }, firmware: [1, 2] },
    [{ a: 1 }, { readings: { b: 'text' } }],
  ])('both take %j', (payload) => {
    expect(parserTakes(payload)).toBe(true);
    expect(telemetryPayloadSchema.safeParse(payload).success).toBe(true);
  });

  it.each([
    {},
    [],
    5,
    'text',
    null,
    { a: null },
    { a: [1] },
    { '1st': 1 },
    { 'with space': 1 },
    { __proto_: 1, ['__proto__x']: 1 },
    { readings: {} },
    { a: {} },
    { a: { b: {} }, ts: 1 },
    { ts: 'yesterday', a: 1 },
    { ts: true, a: 1 },
    { seq: -1, a: 1 },
    { seq: 1.5, a: 1 },
    { id: '~1', a: 1 },
    { id: '', a: 1 },
    { ts: 1 },
    { a: 'x'.repeat(1_025) },
    { readings: { a: null }, b: 1 },
    [{ a: 1 }, { a: null }],
    Array.from({ length: 1_001 }, () => ({ a: 1 })),
  ])('both refuse %j', (payload) => {
    expect(parserTakes(payload)).toBe(false);
    expect(telemetryPayloadSchema.safeParse(payload).success).toBe(false);
  });

  it('a record is as documented', () => {
    const message = { readings: { a: 1, b: true, c: 'x' }, seq: 7 };
    const value = encodeTelemetry(
      telemetryWriter('pump-7', 'gw'),
      message,
      identify(message, 5, () => '~1'),
      5,
    );
    const { data } = JSON.parse(Buffer.from(value).toString()) as { data: unknown }; // written by the line above
    expect(telemetryDataSchema.strict().parse(data)).toEqual(message);
    expect(isRejection(decodeTelemetry(value))).toBe(false);
  });
});
