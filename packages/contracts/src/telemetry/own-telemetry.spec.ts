import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../errors.js';
import { ownTelemetry } from './own-telemetry.js';
import { decodeTelemetry, encodeTelemetry, telemetryWriter, type EventIdentity } from './telemetry-record.js';
import type { TelemetryMessage } from './parse-telemetry.js';

const NOW = Date.parse('2026-11-20T21:30:00.161Z');

/** A space before the record keeps it from the short way, and means nothing in JSON. */
function byTheLongWay(value: Uint8Array): unknown {
  const decoded = decodeTelemetry(Buffer.concat([Buffer.from(' '), value]));
  return isRejection(decoded) ? undefined : decoded;
}

function encode(
  message: TelemetryMessage,
  { id = '1795210200123-42', timeMs = NOW - 38, claimedMs }: Partial<EventIdentity> = {},
  connection?: string,
): Uint8Array {
  const identity = { id, timeMs, ...(claimedMs === undefined ? {} : { claimedMs }) };
  return encodeTelemetry(telemetryWriter('pump-7', 'gw 1', connection), message, identity, NOW);
}

describe('a record of a gateway', () => {
  it.each([
    encode({ readings: { a: 1 } }),
    encode({ readings: { a: -0.5, running: true, state: 'ü"\\\n 温度' }, seq: 42 }, {}, '9f0c-12'),
    encode({ readings: { a: 1 } }, { timeMs: NOW, claimedMs: 5 }, '9f0c-12'),
    encode({ readings: { a: 1 } }, { timeMs: NOW, claimedMs: 9e15 }),
    encode({ readings: { a: '"}},"seq":7}' }, seq: 8 }, { id: '~boot-1a' }),
  ])('is read by the short way, and says the same: %#', (value) => {
    expect(ownTelemetry(value)).toBeDefined();
    expect(ownTelemetry(value)).toEqual(byTheLongWay(value));
  });

  it('is left to the long way when its id has to be escaped', () => {
    const value = encode({ readings: { a: 1 }, id: 'a"b' }, { id: 'a"b' });
    expect(ownTelemetry(value)).toBeUndefined();
    expect(decodeTelemetry(value)).toMatchObject({ id: 'a"b' });
  });
});

const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.string());
const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.:-]{0,20}$/);
const written = fc
  .record({
    readings: fc.dictionary(names, value, { minKeys: 1, maxKeys: 5 }),
    seq: fc.option(fc.maxSafeNat(), { nil: undefined }),
    id: fc.oneof(fc.stringMatching(/^[!-}][!-~]{0,20}$/), fc.constant('~boot-1')),
    timeMs: fc.integer({ min: 0, max: NOW }),
    claimedMs: fc.option(fc.integer(), { nil: undefined }),
    connection: fc.option(fc.stringMatching(/^[0-9a-f-]{1,20}$/), { nil: undefined }),
  })
  .map(({ readings, seq, id, timeMs, claimedMs, connection }) =>
    encode(
      { readings, id, ...(seq === undefined ? {} : { seq }) },
      { id, timeMs, ...(claimedMs === undefined ? {} : { claimedMs }) },
      connection,
    ),
  );

/** What could be taken for something else in the wrong place, and bytes that are no UTF-8. */
const pieces = [
  '"',
  '\\',
  '\n',
  '{',
  '}',
  '}}',
  ',',
  ' ',
  '"subject":"other",',
  '"id":5,',
  '"time":"x",',
  '"type":"other",',
  '"data":{"readings":{"b":2}},',
  ',"type":"other"',
  ',"data":{"readings":{"b":2}}',
  '"__proto__":1,',
  '"b c":1,',
  '"n":null,',
  '"o":{},',
  '1e999',
  '\\u0041',
  [0x80],
  [0xc3],
  [0xed, 0xa0, 0x80],
].map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece)));
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(3),
  put: fc.oneof(
    fc.constantFrom(...pieces),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  ),
});

describe('the two ways', () => {
  it('say the same of every record that a gateway may write', () => {
    fc.assert(
      fc.property(written, (record) => {
        const short = ownTelemetry(record);
        if (short !== undefined) expect(short).toEqual(byTheLongWay(record));
        const read = decodeTelemetry(record);
        expect(isRejection(read) ? undefined : read).toEqual(byTheLongWay(record));
      }),
      { numRuns: 500, seed: 20261121 },
    );
  });

  it('never differ on a damaged or forged one: what the long way refuses, the short one does not take', () => {
    let taken = 0;
    fc.assert(
      fc.property(written, fc.array(damage, { minLength: 1, maxLength: 2 }), (record, damages) => {
        let bytes = Buffer.from(record);
        for (const { at, cut, put } of damages) {
          const from = Math.floor(at * bytes.length);
          bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
        }
        const short = ownTelemetry(bytes);
        if (short === undefined) return;
        taken += 1;
        expect(short).toEqual(byTheLongWay(bytes));
      }),
      { numRuns: 3_000, seed: 20261121 },
    );
    expect(taken).toBeGreaterThan(0);
  });

  it('never differ on a record with one piece more, wherever it stands', () => {
    const record = Buffer.from(encode({ readings: { a: 1.5, t: 'x' }, seq: 3 }, {}, '9f0c'));
    for (const piece of pieces)
      for (let at = 0; at <= record.length; at++) {
        const bytes = Buffer.concat([record.subarray(0, at), piece, record.subarray(at)]);
        const short = ownTelemetry(bytes);
        if (short !== undefined) expect(short).toEqual(byTheLongWay(bytes));
      }
  });
});
