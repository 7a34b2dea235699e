import { expect, it } from '@jest/globals';
import { encode, Encoder } from 'cbor-x';
import fc from 'fast-check';
import { isRejection } from '../errors.js';
import { cborFault } from './cbor-fault.js';
import { plainCborValue } from './cbor-value.js';
import { TELEMETRY_FORMATS, type TelemetryFormat } from './telemetry-format.js';

const NOW = 1_795_210_200_123;
const PATIENCE_MS = 60_000;

// ── against JSON ──

const encoder = new Encoder({ useRecords: false });
/** Surrogates without their other half are no UTF-8: only JSON can write them. */
const text = fc.string({ unit: 'binary', maxLength: 80 });
const leaf = fc.oneof(fc.double(), fc.maxSafeInteger(), fc.integer(), fc.boolean(), text);
const name = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.:-]{0,20}$/) },
  fc.constantFrom('readings', 'ts', 'seq', 'id', '__proto__', 'constructor', ''),
);
const { value: reading } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 6, arbitrary: leaf },
    fc.constant(null),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));
const identity = fc.record(
  {
    ts: fc.oneof(fc.integer({ min: NOW - 1e9, max: NOW }), fc.constant('2026-11-20T21:30:00.123Z'), leaf),
    seq: fc.oneof(fc.nat(), leaf),
    id: fc.oneof(fc.uuid(), leaf),
  },
  { requiredKeys: [] },
);
const readings = fc.dictionary(name, reading, { maxKeys: 6 });
const message = fc.oneof(
  fc.tuple(identity, readings).map(([head, rest]): unknown => Object.assign({}, rest, head)),
  fc
    .tuple(identity, readings)
    .map(([head, rest]): unknown => Object.assign({}, head, { readings: rest, ignored: rest })),
);
const payload = fc.oneof(message, fc.array(message, { maxLength: 4 }));

it(
  'judges a message in CBOR like the same message in JSON',
  () => {
    let accepted = 0;
    fc.assert(
      fc.property(payload, (value) => {
        const json = JSON.stringify(value);
        const parsed: unknown = JSON.parse(json);
        const expected = TELEMETRY_FORMATS.json.read(Buffer.from(json));
        if (!isRejection(expected)) accepted += 1;
        expect(TELEMETRY_FORMATS.cbor.read(encoder.encode(parsed))).toEqual(expected);
      }),
      { numRuns: 2_000, seed: 20261121 },
    );
    expect(accepted).toBeGreaterThan(300);
  },
  PATIENCE_MS,
);

// ── against strangers ──

const FORMATS = Object.keys(TELEMETRY_FORMATS) as TelemetryFormat[]; // the keys of the table

function neverThrows(bytesOf: fc.Arbitrary<Uint8Array>, numRuns: number): void {
  fc.assert(
    fc.property(bytesOf, (stranger) => {
      for (const format of FORMATS) {
        const { kind } = TELEMETRY_FORMATS[format].read(stranger, NOW);
        if (kind !== 'one' && kind !== 'many' && kind !== 'rejection') return false;
      }
      // what passes the check never surprises the decoder
      return cborFault(stranger, 'texts') !== undefined || !isRejection(plainCborValue(stranger));
    }),
    { numRuns, seed: 20261121 },
  );
}

it(
  'takes random bytes without an exception',
  () => {
    neverThrows(fc.uint8Array({ maxLength: 64 }), 5_000);
  },
  PATIENCE_MS,
);

it(
  'takes damaged CBOR without an exception',
  () => {
    const damaged = fc
      .tuple(
        fc.oneof(
          payload,
          fc.anything({ withTypedArray: true, withMap: true, withSet: true, withDate: true }),
        ),
        fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'insert', 'cut')), { maxLength: 4 }),
      )
      .map(([value, changes]) => {
        let damage: Buffer = Buffer.from(encode(value));
        for (const [at, byte, kind] of changes) {
          const place = at % (damage.length + 1);
          const rest = damage.subarray(kind === 'set' ? place + 1 : place);
          damage =
            kind === 'cut'
              ? damage.subarray(0, place)
              : Buffer.concat([damage.subarray(0, place), Buffer.of(byte), rest]);
        }
        return damage;
      });
    neverThrows(damaged, 5_000);
  },
  PATIENCE_MS,
);
