import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRejection } from '../errors.js';
import { parseTelemetry } from './parse-telemetry.js';
import { PlainTelemetry } from './plain-telemetry.js';
import { decodeTelemetry, encodeTelemetry, identify, telemetryWriter } from './telemetry-record.js';

const RECEIVED = Date.parse('2026-11-20T21:30:00.161Z');
const TS = Date.parse('2026-11-20T21:29:59.003Z');
const writer = telemetryWriter('pump-7', 'gw-1');
const mint = (receivedMs: number): string => `~minted-${receivedMs}`;
const plain = new PlainTelemetry();

/** In the middle of other bytes, as in a chunk of a socket. */
function plainly(payload: string): Uint8Array | undefined {
  const before = Buffer.from('{"seq":');
  const bytes = Buffer.concat([before, Buffer.from(payload), Buffer.from(',"a":1}')]);
  const end = before.length + Buffer.byteLength(payload);
  return plain.record(writer, bytes, before.length, end, RECEIVED, mint);
}

/** By `JSON.parse` and `JSON.stringify`; undefined: refused, or an array. */
function slowly(payload: string): Uint8Array | undefined {
  const parsed = parseTelemetry(Buffer.from(payload));
  if (isRejection(parsed) || parsed.kind === 'many') return undefined;
  const { message } = parsed;
  return encodeTelemetry(writer, message, identify(message, RECEIVED, mint), RECEIVED);
}

describe('a plain payload becomes the record that it becomes by the slow way', () => {
  it.each([
    '{"temperature":21.5}',
    `{"ts":${TS},"seq":42,"readings":{"temperature":21.5,"running":true,"stopped":false,"state":"it runs: 5%"}}`,
    `{"readings":{"a":1},"seq":0,"ts":${RECEIVED}}`,
    `{"ts":${TS},"a":-1.25,"b.c:d-e_f":0,"seq":7}`,
    `{"ts":${TS},"readings":{"a":1}}`,
    '{"seq":3,"readings":{"a":0.5}}',
    '{"id":"own-1","a":1}',
    `{"id":"own-1","ts":${TS},"seq":4,"a":1}`,
    '{"ts":0,"seq":4,"a":1}',
    '{"ts":999999999999999,"a":1}',
    '{"readings":5,"ts1":1,"s":"","x":-0.5}',
    `{"${'n'.repeat(64)}":"${'t'.repeat(1024)}"}`,
  ])('%s', (payload) => {
    const record = plainly(payload);
    expect(record && Buffer.from(record).toString()).toBe(Buffer.from(slowly(payload) ?? '').toString());
  });

  it('with its spaces', () => {
    const record = plainly('{ "ts" : 5 , "readings" : { "a" : 1, "b": 2 } }');
    expect(Buffer.from(record ?? '').toString()).toContain('{"readings":{"a" : 1, "b": 2}}');
  });

  it('also when it is longer than the memory that records share', () => {
    const payload = JSON.stringify(
      Object.fromEntries(Array.from({ length: 48 }, (_, index) => [`text${index}`, 'x'.repeat(1024)])),
    );
    expect(Buffer.from(plainly(payload) ?? '').toString()).toBe(
      Buffer.from(slowly(payload) ?? '').toString(),
    );
    expect(plainly('{"a":1}')).toEqual(slowly('{"a":1}'));
  });

  it('and none touches the one before it', () => {
    const texts = Array.from(
      { length: 2_000 },
      (_, index) => `{"ts":${TS},"seq":${index},"readings":{"a":${index}}}`,
    );
    const records = texts.map((text) => plainly(text));
    expect(records.map((record) => Buffer.from(record ?? '').toString())).toEqual(
      texts.map((text) => Buffer.from(slowly(text) ?? '').toString()),
    );
  });
});

describe('what is not plain is left to the parser', () => {
  it.each([
    ['nothing', ''],
    ['no object', '5'],
    ['an array', '[{"a":1}]'],
    ['no reading', '{}'],
    ['no reading in an envelope', '{"ts":5,"readings":{}}'],
    ['an identity alone', '{"ts":5,"seq":1}'],
    ['a half', '{"a":1'],
    ['something behind it', '{"a":1}}'],
    ['a comma at the end', '{"a":1,}'],
    ['no comma', '{"a":1 "b":2}'],
    ['a nested object', '{"a":{"b":1}}'],
    ['null', '{"a":null}'],
    ['tru', '{"a":tru}'],
    ['an exponent', '{"a":1e3}'],
    ['a leading zero', '{"a":01}'],
    ['a leading plus', '{"a":+1}'],
    ['a dot without a fraction', '{"a":1.}'],
    ['a minus alone', '{"a":-}'],
    ['minus zero', '{"a":-0}'],
    ['minus zero with a fraction', '{"a":-0.00}'],
    ['more digits than a double has', '{"a":0.1000000000000000055511151231257827}'],
    ['a name twice', '{"a":1,"b":2,"a":3}'],
    ['ts twice', '{"ts":1,"ts":2,"a":1}'],
    ['seq twice', '{"seq":1,"seq":2,"a":1}'],
    ['id twice', '{"id":"a","id":"b","a":1}'],
    ['two envelopes', '{"readings":{"a":1},"readings":{"b":1}}'],
    ['readings beside an envelope', '{"readings":{"a":1},"b":1}'],
    ['an envelope beside readings', '{"b":1,"readings":{"a":1}}'],
    ['an identity between readings', '{"a":1,"ts":5,"b":1}'],
    ['a fraction in ts', '{"ts":5.5,"a":1}'],
    ['a text as ts', '{"ts":"2026-11-20T21:30:00Z","a":1}'],
    ['a long seq', '{"seq":9007199254740993,"a":1}'],
    ['a negative seq', '{"seq":-1,"a":1}'],
    ['an id that begins with a tilde', '{"id":"~1","a":1}'],
    ['an empty id', '{"id":"","a":1}'],
    ['an id with a space', '{"id":"a b","a":1}'],
    ['a long id', `{"id":"${'i'.repeat(129)}","a":1}`],
    ['an id that is a number', '{"id":5,"a":1}'],
    ['an escape in a text', '{"a":"\\n"}'],
    ['an escape in a name', '{"\\u0061":1}'],
    ['a text beyond ASCII', '{"a":"\u00fc"}'],
    ['a control character', '{"a":"\u0001"}'],
    ['a long text', `{"a":"${'t'.repeat(1025)}"}`],
    ['a long name', `{"${'n'.repeat(65)}":1}`],
    ['an empty name', '{"":1}'],
    ['a name that begins with a digit', '{"1a":1}'],
    ['__proto__', '{"__proto__":1}'],
    ['__proto__ in a name', '{"a.__proto__":1}'],
    ['a line break', '{"a":1,\n"b":2}'],
    ['more names than are compared', `{${Array.from({ length: 49 }, (_, index) => `"a${index}":1`).join()}}`],
  ])('%s', (_, payload) => {
    expect(plainly(payload)).toBeUndefined();
  });
});

const NAMES = fc.constantFrom(
  'a',
  'b',
  'temperature',
  'ts',
  'seq',
  'id',
  'readings',
  '__proto__',
  'x.y',
  '1',
  'nan',
  '',
);
const VALUES = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.nat(),
  fc.boolean(),
  fc.string({ maxLength: 6 }),
  fc.constantFrom(TS, RECEIVED, 0, -0, null, {}, { c: 1 }, 'own-1', 1e21),
);
const OBJECTS = fc.array(fc.tuple(NAMES, VALUES), { maxLength: 7 });
const MESSAGES = fc.oneof(OBJECTS, fc.tuple(OBJECTS, OBJECTS)).map((message) => {
  const [first, second] = message;
  const isEnvelope = message.length === 2 && Array.isArray(first?.[0]) && Array.isArray(second?.[0]);
  const write = (pairs: readonly (readonly unknown[])[]): string =>
    `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
  if (!isEnvelope) return write(message as [string, unknown][]); // by the oneof above
  const [outer, readings] = message as unknown as [[string, unknown][], [string, unknown][]]; // the other arm
  const rest = write(outer).slice(1, -1);
  return `{${rest}${rest === '' ? '' : ','}"readings":${write(readings)}}`;
});
const LETTERS = fc.constantFrom(...Array.from('{}[]":,.-0123456789eE_~atrufls \n\\\u00fc'));
/** Any change of any letter. */
const MUTATED = fc.tuple(MESSAGES, fc.nat(), LETTERS, fc.nat(2)).map(([text, place, letter, kind]) => {
  const at = place % (text.length + 1);
  return text.slice(0, at) + (kind === 0 ? '' : letter) + text.slice(kind === 1 ? at : at + 1);
});

it.each([
  ['messages', MESSAGES],
  ['messages with a letter changed', MUTATED],
])('whatever is taken of %s, the parser takes too, and both records read the same', (_, payloads) => {
  let taken = 0;
  fc.assert(
    fc.property(payloads, (payload) => {
      const fast = plainly(payload);
      if (fast === undefined) return;
      taken += 1;
      expect(decodeTelemetry(fast)).toEqual(decodeTelemetry(slowly(payload) ?? Buffer.of()));
    }),
    { numRuns: 20_000, seed: 20261121 },
  );
  expect(taken).toBeGreaterThan(300);
});
