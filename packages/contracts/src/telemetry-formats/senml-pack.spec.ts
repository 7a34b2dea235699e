import { describe, expect, it } from '@jest/globals';
import { isRejection } from '../errors.js';
import type { TelemetryMessage } from '../telemetry/parse-telemetry.js';
import { readSenmlCbor } from './read-senml-cbor.js';
import { readSenmlJson } from './read-senml-json.js';
import { senmlPackSchema } from './senml-schema.js';

const NOW = 1_795_210_200_123;
const SECONDS = 1_795_210_200;

function read(pack: unknown, nowMs = NOW): ReturnType<typeof readSenmlJson> {
  return readSenmlJson(Buffer.from(JSON.stringify(pack)), nowMs);
}

function readCbor(hex: string): ReturnType<typeof readSenmlCbor> {
  return readSenmlCbor(Buffer.from(hex.replaceAll(' ', ''), 'hex'), NOW);
}

function one(pack: unknown): TelemetryMessage {
  const payload = read(pack);
  if (isRejection(payload) || payload.kind !== 'one') throw new Error(JSON.stringify(payload));
  return payload.message;
}

function idsOf(pack: unknown, nowMs = NOW): (string | undefined)[] {
  const payload = read(pack, nowMs);
  if (isRejection(payload)) throw new Error(payload.detail);
  const messages = payload.kind === 'one' ? [payload.message] : payload.elements;
  return messages.map((message) => (isRejection(message) ? message.code : message.id));
}

describe('base fields', () => {
  it('hold until the next one, and are added to value and time', () => {
    const pack = [
      { bn: 'a', bv: 10, bt: SECONDS, n: '1', v: 1 },
      { n: '2', v: -1 },
      { bn: 'b', bv: 0, n: '1', v: 5, t: 1 },
    ];
    expect(read(pack)).toMatchObject({
      kind: 'many',
      elements: [
        { ts: SECONDS * 1000, readings: { a1: 11, a2: 9 } },
        { ts: SECONDS * 1000 + 1000, readings: { b1: 5 } },
      ],
    });
  });

  it('change numbers only', () => {
    expect(one([{ bv: 10, n: 'a', vs: 'x' }]).readings).toEqual({ a: 'x' });
  });

  it('of a sum make one where there is none', () => {
    expect(one([{ bs: 100, n: 'a', v: 1 }, { n: 'b', s: 5 }]).readings).toEqual({
      a: 1,
      'a.sum': 100,
      'b.sum': 105,
    }); // prettier-ignore
  });
});

describe('time', () => {
  it('of zero is that of arrival', () => {
    expect(one([{ n: 'a', v: 1 }])).toEqual({ readings: { a: 1 } });
    expect(one([{ n: 'a', v: 1, bt: 5, t: -5 }])).toEqual({ readings: { a: 1 } });
  });

  it('below 2 to the 28th counts from now', () => {
    expect(one([{ n: 'a', v: 1, t: -1.5 }]).ts).toBe(NOW - 1500);
    expect(one([{ n: 'a', v: 1, t: 2 ** 28 - 1 }]).ts).toBe(NOW + (2 ** 28 - 1) * 1000);
    expect(one([{ n: 'a', v: 1, t: 2 ** 28 }]).ts).toBe(2 ** 28 * 1000);
    expect(one([{ n: 'a', v: 1, bt: SECONDS, t: -5 }]).ts).toBe(SECONDS * 1000 - 5000); // the sum decides
  });

  it('makes messages, in its order', () => {
    const pack = [{ n: 'a', v: 1 }, { n: 'b', v: 2, t: -60 }, { n: 'c', v: 3, t: -60 }]; // prettier-ignore
    expect(read(pack)).toEqual({
      kind: 'many',
      elements: [{ ts: NOW - 60_000, readings: { b: 2, c: 3 } }, { readings: { a: 1 } }],
    });
  });

  it('that is the same for the same metric makes two messages, and none is lost', () => {
    const pack = [{ n: 'a', v: 1 }, { n: 'b', v: 2 }, { n: 'a', v: 3 }, { n: 'c', v: 4 }]; // prettier-ignore
    expect(read(pack)).toEqual({
      kind: 'many',
      elements: [{ readings: { a: 1, b: 2 } }, { readings: { a: 3, c: 4 } }],
    });
  });
});

describe('the id', () => {
  const pack = [{ n: 'a', v: 1, t: SECONDS }];

  it('is that of the content, when the time is the device’s own and believed', () => {
    const [id] = idsOf(pack);
    expect(id).toMatch(/^senml-[\w-]{22}$/);
    expect(idsOf(pack, NOW + 60_000)).toEqual([id]); // sent again
    expect(idsOf([{ n: 'a', v: 2, t: SECONDS }])).not.toEqual([id]);
    expect(idsOf([{ n: 'a', v: 1, t: SECONDS + 1 }])).not.toEqual([id]);
  });

  it('is made by the gateway otherwise', () => {
    expect(idsOf([{ n: 'a', v: 1 }])).toEqual([undefined]);
    expect(idsOf([{ n: 'a', v: 1, t: -1 }])).toEqual([undefined]);
    expect(idsOf([{ n: 'a', v: 1, t: 1.32e9 }])).toEqual([undefined]); // a clock that may stand still
  });
});

it.each([
  ['urn:dev:mac:0024befffe804ff1:', 'temp', 'temp'],
  ['urn:dev:ops:32473-Refrigerator-5002/', 'door/left', 'door.left'],
  ['urn:dev:ow:264437f5000000ed_', 'humidity', 'humidity'],
  ['urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6:', 'temp', 'temp'],
  ['hall/', 'temp', 'hall.temp'],
  ['', '1st', '_1st'],
])('calls the metric of %s and %s: %s', (bn, n, metric) => {
  expect(Object.keys(one([{ bn, n, v: 1 }]).readings)).toEqual([metric]);
});

it.each([
  ['Cel', 'Cel'],
  ['m/s', 'm_s'],
  ['1/s', '_1_s'],
  [undefined, 'value'],
])('calls the only measurement of a device in %s: %s', (u, metric) => {
  expect(Object.keys(one([{ bn: 'urn:dev:ow:10e2073a01080063', u, v: 1 }]).readings)).toEqual([metric]);
});

it('has a schema that refuses nothing it takes, and most of what it refuses', () => {
  const record = { n: 'a', v: 1, other: [{}] };
  const full = Array.from({ length: 1000 }, () => record);
  expect(senmlPackSchema.safeParse(full).success).toBe(true);
  for (const wrong of [
    [],
    [...full, record],
    record,
    [{ v: '1' }],
    [{ bver: 11 }],
    [{ vd: 'aGk=' }],
    [{ vb: 1 }],
  ])
    expect(senmlPackSchema.safeParse(wrong).success).toBe(false);
});

it('ignores what it does not know and need not, and the update time', () => {
  expect(one([{ n: 'a', v: 1, ut: 60, l: [{}], constructor: 'x', u: 'Cel' }]).readings).toEqual({ a: 1 });
});

describe('refuses', () => {
  const good = { n: 'a', v: 1 };
  it.each<[string, string, unknown]>([
    ['an object', 'payload-shape', good],
    ['an empty pack', 'payload-shape', []],
    ['a record that is no object', 'payload-shape', [good, 5]],
    ['a record without a value', 'payload-shape', [good, { n: 'b' }]],
    ['a record of base fields only', 'payload-shape', [{ bn: 'x', bv: 5 }, good]],
    ['two values', 'payload-shape', [{ n: 'a', v: 1, vs: 'x' }]],
    ['a value of null', 'payload-shape', [{ n: 'a', v: null }]],
    ['a text for a number', 'payload-shape', [{ n: 'a', v: '1' }]],
    ['a text for a boolean', 'payload-shape', [{ n: 'a', vb: 'true' }]],
    ['a time that is a text', 'payload-shape', [{ n: 'a', v: 1, t: '2026-11-20T21:30:00Z' }]],
    ['data that is not base64url', 'payload-shape', [{ n: 'a', vd: 'a+b/' }]],
    ['data that is padded', 'payload-shape', [{ n: 'a', vd: 'aGk=' }]],
    ['data of a length that cannot be', 'payload-shape', [{ n: 'a', vd: 'a' }]],
    ['a field that must be understood', 'payload-shape', [{ n: 'a', v: 1, scale_: 2 }]],
    ['a version above 10', 'payload-shape', [{ n: 'a', v: 1, bver: 11 }]],
    ['a version of 0', 'payload-shape', [{ n: 'a', v: 1, bver: 0 }]],
    ['two versions', 'payload-shape', [{ n: 'a', v: 1, bver: 5 }, { n: 'b', v: 1, bver: 6 }]], // prettier-ignore
    ['no name at all', 'metric-name', [{ v: 1 }]],
    ['a name with a space', 'metric-name', [{ n: 'a b', v: 1 }]],
    ['a name that starts with a dot', 'metric-name', [{ n: '.a', v: 1 }]],
    ['a name with a line break at its end', 'metric-name', [{ n: 'a\n', v: 1 }]],
    ['a name that is too long for a metric', 'metric-name', [{ n: 'a'.repeat(65), v: 1 }]],
    ['a name that is longer than any', 'metric-name', [{ n: `urn:dev:ow:${'1'.repeat(300)}:a`, v: 1 }]],
    [
      'a unit that is longer than any, for a name',
      'metric-name',
      [{ n: 'urn:dev:ow:1', u: 'x'.repeat(300), v: 1 }],
    ],
    ['a name that hides a prototype', 'metric-name', [{ n: 'a/__proto__', v: 1 }]],
    ['a unit for a name that is a prototype', 'metric-name', [{ n: 'urn:dev:ow:1', u: '__proto__', v: 1 }]],
    ['two devices', 'payload-shape', [{ n: 'urn:dev:ow:1:a', v: 1 }, { n: 'urn:dev:ow:2:b', v: 1 }]], // prettier-ignore
    ['a name with two units', 'payload-shape', [{ n: 'a', u: 'V', v: 1 }, { n: 'a', u: 'A', v: 1, t: 1 }]], // prettier-ignore
    ['a text that is too long', 'text-too-long', [{ n: 'a', vs: 'x'.repeat(1025) }]],
    [
      'more than 256 metrics at one time',
      'metric-count',
      Array.from({ length: 257 }, (_, i) => ({ n: `m${i}`, v: i })),
    ],
    [
      'more than 1,000 records',
      'array-too-long',
      Array.from({ length: 1001 }, (_, i) => ({ n: 'a', v: i, t: i })),
    ],
  ])('%s: %s', (_what, code, pack) => {
    expect(read(pack)).toMatchObject({ kind: 'rejection', code });
  });

  it('numbers that are not finite', () => {
    expect(readSenmlJson(Buffer.from('[{"n":"a","v":1e400}]'), NOW)).toMatchObject({
      code: 'value-not-finite',
    });
    expect(readSenmlJson(Buffer.from('[{"n":"a","v":1e308,"bv":1e308}]'), NOW)).toMatchObject({
      code: 'value-not-finite',
    });
    expect(readCbor('81 a2 00 61 61 02 f97e00')).toMatchObject({ code: 'value-not-finite' });
  });

  it('a base name or unit of the length of a packet, 1,000 records after it, at once', () => {
    const records = Array.from({ length: 999 }, () => ({ v: 1 }));
    const long = ';'.repeat(100_000);
    const before = performance.now();
    expect(read([{ bn: long, v: 1 }, ...records])).toMatchObject({ code: 'metric-name' });
    expect(read([{ bn: 'urn:dev:ow:1', bu: long, v: 1 }, ...records])).toMatchObject({ kind: 'many' });
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('one element alone when its neighbours are good', () => {
    expect(read([{ n: 'a', v: 1 }, { n: 'a', vs: 'x'.repeat(1025), t: 1 }])).toMatchObject({
      kind: 'many',
      elements: [{ readings: { a: 1 } }, { code: 'text-too-long' }],
    }); // prettier-ignore
  });

  it('with the number of the record and without what the device wrote', () => {
    expect(read([good, { n: 'secret b', v: 1 }])).toMatchObject({
      detail: 'record 2: bn and n together are not a name of SenML',
    });
  });

  it.each([
    ['a text for a label', '81 a2 61 6e 61 61 02 01', 'payload-shape'],
    ['a label that does not exist', '81 a3 00 61 61 02 01 09 01', 'payload-shape'],
    ['a label that is a boolean', '81 a3 00 61 61 02 01 f5 01', 'payload-not-cbor'],
    ['data that is a text', '81 a2 00 61 61 08 61 61', 'payload-shape'],
    ['a value that is bytes', '81 a2 00 61 61 02 41 61', 'payload-shape'],
    ['a value that is too large an integer', '81 a2 00 61 61 02 1b ffffffffffffffff', 'payload-shape'],
    ['an extension that must be understood', '81 a3 00 61 61 02 01 62 78 5f 01', 'payload-shape'],
    ['a map', 'a2 00 61 61 02 01', 'payload-shape'],
    ['a record that is a number', '81 05', 'payload-shape'],
  ])('in CBOR %s', (_what, hex, code) => {
    expect(readCbor(hex)).toMatchObject({ kind: 'rejection', code });
  });
});

it.each([
  ['integers of 64 bits', '81 a2 00 61 61 02 1b 0000000000000005', 5],
  ['negative integers of 64 bits', '81 a2 00 61 61 02 3b 0000000000000004', -5],
  ['decimal fractions', '81 a2 00 61 61 02 c4 82 21 19 6ab3', 273.15],
  ['half floats', '81 a2 00 61 61 02 f9 3e00', 1.5],
  ['arrays and maps of indefinite length', '9f bf 00 61 61 02 05 ff ff', 5],
  ['other extensions', '81 a3 00 61 61 02 05 61 78 82 01 41 00', 5],
  ['an extension called __proto__', '81 a3 00 61 61 02 05 69 5f5f70726f746f5f5f a1 61 76 01', 5],
])('in CBOR takes %s', (_what, hex, value) => {
  expect(readCbor(hex)).toEqual({ kind: 'one', message: { readings: { a: value } } });
});
