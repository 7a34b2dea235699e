import { describe, expect, it } from '@jest/globals';
import { MAX_ARRAY_LENGTH, parseTelemetry } from './parse-telemetry.js';
import { isMetricName, MAX_METRICS } from './reading.js';

const parse = (text: string): ReturnType<typeof parseTelemetry> => parseTelemetry(Buffer.from(text));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const metrics = (count: number): string =>
  `{${Array.from({ length: count }, (_, index) => `"m${index}":${index}`).join(',')}}`;

describe('the three shapes of a telemetry payload', () => {
  it('a bare object: everything but ts, seq and id is a reading', () => {
    expect(parse('{"temperature":21.5,"running":true,"state":"ok","ts":5,"seq":1,"id":"x"}')).toEqual({
      kind: 'one',
      message: { readings: { temperature: 21.5, running: true, state: 'ok' }, ts: 5, seq: 1, id: 'x' },
    });
  });

  it('an envelope, in which ts, seq and id are names like any other', () => {
    expect(parse('{"ts":5,"seq":1,"ignored":1,"readings":{"ts":1,"id":"a"}}')).toEqual({
      kind: 'one',
      message: { readings: { ts: 1, id: 'a' }, ts: 5, seq: 1 },
    });
  });

  it('is bare when `readings` is not an object', () => {
    expect(parse('{"readings":3}')).toEqual({ kind: 'one', message: { readings: { readings: 3 } } });
  });

  it('an array, whose bad elements are refused alone', () => {
    expect(parse('[{"a":1},{"a":null},5,[{"a":1}],{"readings":{"b":2},"seq":4}]')).toMatchObject({
      kind: 'many',
      elements: [
        { readings: { a: 1 } },
        { code: 'value-type' },
        { code: 'payload-shape' },
        { code: 'payload-shape' },
        { readings: { b: 2 }, seq: 4 },
      ],
    });
  });

  it('flattens objects with dots', () => {
    expect(parse('{"motor":{"phase":{"a":1,"b":2}},"x":3}')).toMatchObject({
      message: { readings: { 'motor.phase.a': 1, 'motor.phase.b': 2, x: 3 } },
    });
  });

  it('does not take a device for its own refusal because of the names it uses', () => {
    const readings = { kind: 'rejection', code: 'x', detail: 'y' };
    expect(parse(JSON.stringify(readings))).toEqual({ kind: 'one', message: { readings } });
    expect(parse(JSON.stringify([{ readings }]))).toEqual({ kind: 'many', elements: [{ readings }] });
  });

  it('takes white space, escapes and every script', () => {
    expect(parse(' \n{ "t" : "\\u00fc \\n 温度 \ufffd" }\r\n')).toMatchObject({
      message: { readings: { t: 'ü \n 温度 \ufffd' } },
    });
  });
});

describe('a payload that is not JSON in UTF-8', () => {
  it.each([
    '',
    ' ',
    '21.5,',
    '{"a":1',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":Infinity}',
    '{"a":01}',
    '\ufeff{"a":1}',
    '{"a":1}x',
  ])('is refused: %j', (text) => {
    expect(parse(text)).toMatchObject({ kind: 'rejection', code: 'payload-not-json' });
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut character', [0xe2, 0x82]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('is refused: %s', (_, bytes) => {
    const payload = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(parseTelemetry(payload)).toMatchObject({ kind: 'rejection', code: 'payload-not-utf8' });
  });

  it('does not quote the payload in the refusal', () => {
    expect(JSON.stringify(parse('{"password":hunter2}'))).not.toContain('hunter2');
  });
});

describe('JSON of another shape', () => {
  it.each([
    'null',
    'true',
    '5',
    '"text"',
    '[]',
    '{}',
    '{"readings":{}}',
    '{"ts":1,"seq":2,"id":"x"}',
    '{"a":{}}',
  ])('is refused: %s', (text) => {
    expect(parse(text)).toMatchObject({ kind: 'rejection', code: 'payload-shape' });
  });

  it('takes 1,000 records in an array and refuses one more', () => {
    const array = (length: number): string => `[${Array.from({ length }, () => '{"a":1}').join(',')}]`;
    expect(parse(array(MAX_ARRAY_LENGTH))).toMatchObject({ kind: 'many' });
    expect(parse(array(MAX_ARRAY_LENGTH + 1))).toMatchObject({ code: 'array-too-long' });
  });

  it('takes 8 levels and refuses the ninth, and 10,000', () => {
    expect(parse(nested(8))).toMatchObject({ message: { readings: { 'a.a.a.a.a.a.a.a': 1 } } });
    expect(parse(`{"readings":${nested(8)}}`)).toMatchObject({ kind: 'one' });
    for (const depth of [9, 10_000]) expect(parse(nested(depth))).toMatchObject({ code: 'payload-too-deep' });
    const arrays = '['.repeat(10_000) + ']'.repeat(10_000);
    expect(parse(arrays)).toMatchObject({ kind: 'many', elements: [{ code: 'payload-shape' }] });
    expect(parse(`{"a":${arrays}}`)).toMatchObject({ code: 'value-type' });
  });
});

describe('values', () => {
  it.each([
    ['null', 'value-type'],
    ['[]', 'value-type'],
    ['[1]', 'value-type'],
    ['1e400', 'value-not-finite'],
    ['-1e400', 'value-not-finite'],
    [`"${'x'.repeat(1025)}"`, 'text-too-long'],
    [`"${'ü'.repeat(513)}"`, 'text-too-long'],
    [`"${'x'.repeat(1_000_000)}"`, 'text-too-long'],
  ])('refuses %.20s as %s', (value, code) => {
    expect(parse(`{"a":${value}}`)).toMatchObject({ kind: 'rejection', code });
    expect(parse(`{"b":{"a":${value}}}`)).toMatchObject({ kind: 'rejection', code });
  });

  it.each([
    '0',
    '-0.5',
    '1e308',
    '5e-324',
    '9007199254740993',
    'true',
    'false',
    '""',
    `"${'ü'.repeat(512)}"`,
  ])('takes %.20s', (value) => {
    expect(parse(`{"a":${value}}`)).toEqual({ kind: 'one', message: { readings: { a: JSON.parse(value) } } });
  });
});

describe('metric names', () => {
  const longest = 'm'.repeat(64);

  it.each(['a', '_', 'A1_.:-', longest, 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'proto'])(
    'takes %s',
    (name) => {
      expect(parse(`{"${name}":1}`)).toMatchObject({ message: { readings: { [name]: 1 } } });
      expect(isMetricName(name)).toBe(true);
    },
  );

  it.each(['', '1a', '-a', '.a', ' a', 'a b', 'ü', 'a\\n', 'a/b', 'a,b=c', '$a', `${longest}m`])(
    'refuses %j',
    (name) => {
      expect(parse(`{"${name}":1}`)).toMatchObject({ kind: 'rejection', code: 'metric-name' });
    },
  );

  it('refuses a flattened name beyond 64 characters', () => {
    expect(parse(`{"${'a'.repeat(40)}":{"${'b'.repeat(23)}":1}}`)).toMatchObject({ kind: 'one' });
    expect(parse(`{"${'a'.repeat(40)}":{"${'b'.repeat(24)}":1}}`)).toMatchObject({ code: 'metric-name' });
  });

  it.each([
    '{"__proto__":1}',
    '{"__proto__":{"polluted":1}}',
    '{"a":{"__proto__":{"polluted":1}}}',
    '{"a":{"b":1,"__proto__":5}}',
    '{"a.__proto__.polluted":1}',
    '{"readings":{"__proto__":{"polluted":1}}}',
  ])('refuses __proto__ at every level: %s', (text) => {
    expect(parse(text)).toMatchObject({ kind: 'rejection', code: 'metric-name' });
    expect('polluted' in {}).toBe(false);
  });

  it('is not led astray by __proto__ beside the envelope', () => {
    expect(parse('{"__proto__":{"ts":7},"readings":{"a":1}}')).toEqual({
      kind: 'one',
      message: { readings: { a: 1 } },
    });
    expect(parse('{"__proto__":{"readings":{"a":1}}}')).toMatchObject({ code: 'metric-name' });
  });

  it('keeps terminals safe: what is not printable is not repeated', () => {
    expect(parse('{"\\u001b[31m":1}')).toMatchObject({
      detail: '"?[31m" is not a metric name: a letter or _, then up to 63 letters, digits or _ . : -',
    });
  });

  it('takes 256 metrics and refuses one more, also spread over objects', () => {
    expect(parse(metrics(MAX_METRICS))).toMatchObject({ kind: 'one' });
    expect(parse(metrics(MAX_METRICS + 1))).toMatchObject({ code: 'metric-count' });
    expect(parse(`{"a":${metrics(128)},"b":${metrics(128)}}`)).toMatchObject({ kind: 'one' });
    expect(parse(`{"a":${metrics(128)},"b":${metrics(129)}}`)).toMatchObject({ code: 'metric-count' });
  });
});

describe('ts, seq and id', () => {
  it.each([
    ['0', 0],
    ['-1', -1],
    ['1.5', 1.5],
    ['"2026-11-20T21:30:00.123Z"', 1_795_210_200_123],
    ['"2026-11-20T22:30:00+01:00"', 1_795_210_200_000],
    ['"2200-01-01T00:00:00Z"', 7_258_118_400_000],
    ['7258118400000', 7_258_118_400_000],
    ['1e400', Number.POSITIVE_INFINITY],
    ['-1e400', Number.NEGATIVE_INFINITY],
  ])('takes ts %s: an absurd clock refuses no reading', (ts, claimed) => {
    expect(parse(`{"ts":${ts},"a":1}`)).toEqual({
      kind: 'one',
      message: { readings: { a: 1 }, ts: claimed },
    });
  });

  it.each([
    'null',
    'true',
    '{}',
    '[]',
    '""',
    '"now"',
    '"5"',
    '"2026-11-20"',
    '"2026-11-20T21:30:00"',
    '"2026-13-40T99:99:99Z"',
  ])('refuses ts %s, which is no clock at all', (ts) => {
    expect(parse(`{"ts":${ts},"a":1}`)).toMatchObject({ code: 'payload-shape' });
  });

  it.each(['0', '1', '9007199254740991'])('takes seq %s', (seq) => {
    expect(parse(`{"seq":${seq},"a":1}`)).toMatchObject({ message: { seq: Number(seq) } });
  });

  it.each(['-1', '0.5', '9007199254740992', '1e400', '"1"', 'null', 'true', '[]'])(
    'refuses seq %s',
    (seq) => {
      expect(parse(`{"seq":${seq},"a":1}`)).toMatchObject({ code: 'payload-shape' });
    },
  );

  it.each(['"a"', '"!~"', `"${'i'.repeat(128)}"`, '"__proto__"'])('takes id %s', (id) => {
    expect(parse(`{"id":${id},"a":1}`)).toMatchObject({ message: { id: JSON.parse(id) } });
  });

  it.each(['""', '" "', '"a b"', '"ü"', '"a\\n"', `"${'i'.repeat(129)}"`, '1', 'null', '{}'])(
    'refuses id %s',
    (id) => {
      expect(parse(`{"id":${id},"a":1}`)).toMatchObject({ code: 'payload-shape' });
    },
  );
});
