import { describe, expect, it } from '@jest/globals';
import { readTelemetry } from './telemetry-format.js';

const NOW = 1_795_210_200_123;

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function read(payload: Uint8Array): ReturnType<typeof readTelemetry> {
  return readTelemetry(payload, { topicFormat: 'cbor' }, NOW);
}

describe('takes the shapes of JSON', () => {
  it.each<[string, string, unknown]>([
    ['readings', 'a1 61 61 01', { a: 1 }],
    ['readings of indefinite length', 'bf 61 61 01 ff', { a: 1 }],
    ['a half float', 'a1 61 61 f9 3e00', { a: 1.5 }],
    ['a single float', 'a1 61 61 fa 41b40000', { a: 22.5 }],
    ['a double', 'a1 61 61 fb 3ff3333333333333', { a: 1.2 }],
    ['negative numbers of every length', 'a3 61 61 20 61 62 39 0100 61 63 3a ffffffff', { a: -1, b: -257, c: -4294967296 }], // prettier-ignore
    ['lengths that could be shorter', 'b8 01 78 01 61 1b 0000000000000001', { a: 1 }],
    ['the largest safe integer', 'a1 61 61 1b 001fffffffffffff', { a: Number.MAX_SAFE_INTEGER }],
    ['a decimal fraction', 'a1 61 61 c4 82 21 19 6ab3', { a: 273.15 }],
    ['booleans and texts', 'a2 61 61 f5 61 62 62 c3bc', { a: true, b: 'ü' }],
    ['nested maps', 'a1 61 61 a1 61 62 05', { 'a.b': 5 }],
  ])('%s', (_what, hex, readings) => {
    expect(read(bytes(hex))).toEqual({ kind: 'one', message: { readings } });
  });

  it('the last of two equal keys, like JSON', () => {
    expect(read(bytes('a2 61 61 01 61 61 02'))).toMatchObject({ message: { readings: { a: 2 } } });
  });

  it('a payload that is a view into something larger', () => {
    const larger = bytes('ff a1 61 61 01 ff');
    expect(read(larger.subarray(1, 5))).toMatchObject({ message: { readings: { a: 1 } } });
    expect(read(new Uint8Array(larger).subarray(1, 5))).toMatchObject({ message: { readings: { a: 1 } } });
  });
});

describe('refuses what JSON could not say, element by element', () => {
  it.each([
    ['a byte string', 'a1 61 61 41 00'],
    ['undefined', 'a1 61 61 f7'],
    ['null', 'a1 61 61 f6'],
    ['an integer above 2 to the 53rd', 'a1 61 61 1b 0020000000000001'],
    ['an integer below minus 2 to the 53rd', 'a1 61 61 3b ffffffffffffffff'],
    ['a list', 'a1 61 61 81 01'],
  ])('%s', (_what, hex) => {
    expect(read(bytes(hex))).toMatchObject({ kind: 'rejection', code: 'value-type' });
    expect(read(bytes(`82 a1 61 62 01 ${hex}`))).toMatchObject({
      kind: 'many',
      elements: [{ readings: { b: 1 } }, { code: 'value-type' }],
    });
  });

  it.each([
    ['an infinite number', 'a1 61 61 f9 7c00', 'value-not-finite'],
    ['no number', 'a1 61 61 fb 7ff8000000000000', 'value-not-finite'],
    ['a decimal fraction beyond all numbers', 'a1 61 61 c4 82 1b ffffffffffffffff 01', 'value-not-finite'],
    ['a ts that is a byte string', 'a2 61 61 01 62 7473 41 00', 'payload-shape'],
    ['a ts that is undefined', 'a2 61 61 01 62 7473 f7', 'payload-shape'],
    ['a ts beyond what a double holds', 'a2 61 61 01 62 7473 1b ffffffffffffffff', 'payload-shape'],
    ['a reading called __proto__', 'a1 69 5f5f70726f746f5f5f 01', 'metric-name'],
    ['a nested reading called __proto__', 'a1 61 61 a1 69 5f5f70726f746f5f5f 01', 'metric-name'],
    ['a map called __proto__ ', 'a1 69 5f5f70726f746f5f5f a1 61 61 01', 'metric-name'],
    ['a number', '05', 'payload-shape'],
    ['a byte string alone', '41 00', 'payload-shape'],
    ['an empty array', '80', 'payload-shape'],
  ])('%s', (_what, hex, code) => {
    expect(read(bytes(hex))).toMatchObject({ kind: 'rejection', code });
  });
});

describe('refuses as a whole', () => {
  it.each([
    ['nothing', ''],
    ['JSON', Buffer.from('{"a":1}').toString('hex')],
    ['trailing bytes', 'a1 61 61 01 00'],
    ['a map that ends early', 'a2 61 61 01'],
    ['a text that ends early', 'a1 61 61 65 61'],
    ['a double that ends early', 'a1 61 61 fb 3ff333'],
    ['a length that ends early', 'a1 61 61 79 00'],
    ['a map of 2 to the 63rd pairs', 'bb 8000000000000000 61 61 01'],
    ['an array of 2 to the 32nd', '9a ffffffff'],
    ['an array of indefinite length that does not end', '9f a1 61 61 01'],
    ['a map of indefinite length that ends after a key', 'bf 61 61 ff'],
    ['a break on its own', 'ff'],
    ['a break as a value', 'a1 61 61 ff'],
    ['reserved heads', 'a1 61 61 1c'],
    ['an integer of indefinite length', 'a1 61 61 1f'],
    ['a text of indefinite length', 'a1 61 61 7f 61 61 ff'],
    ['other simple values', 'a1 61 61 e0'],
    ['simple values of two bytes', 'a1 61 61 f8 20'],
    ['keys that are numbers', 'a1 01 01'],
    ['keys that are bytes', 'a1 41 61 01'],
    ['keys that are maps', 'a1 a0 01'],
    ['a date', 'a1 61 61 c1 1a 6b000000'],
    ['a date in text', 'c0 74 323031332d30332d32315432303a30343a30305a'],
    ['a large number in bytes', 'a1 61 61 c2 49 010000000000000000'],
    ['a large fraction', 'a1 61 61 c5 82 1a 7fffffff 01'],
    ['a decimal fraction of texts', 'a1 61 61 c4 82 61 31 61 31'],
    ['a decimal fraction of three', 'a1 61 61 c4 83 01 01 01'],
    ['a set', 'd9 0102 81 01'],
    ['a typed array', 'a1 61 61 d8 40 41 01'],
    ['a shared value', 'a1 61 61 d8 1c 81 d8 1d 00'],
    ['an error of the other side', 'd8 1b 82 65 4572726f72 61 61'],
    ['a record that would be compiled', 'd9 dfff 83 19 e000 81 61 61 01'],
    ['bundled texts', 'd9 dff9 82 01 61 61'],
    ['packed values', 'd8 33 84 81 61 61 80 80 c6 00'],
  ])('%s', (_what, hex) => {
    expect(read(bytes(hex))).toMatchObject({ kind: 'rejection', code: 'payload-not-cbor' });
  });

  it('texts that are not UTF-8', () => {
    expect(read(bytes('a1 61 61 61 ff'))).toMatchObject({ code: 'payload-not-utf8' });
    expect(read(bytes('a1 61 c3 01'))).toMatchObject({ code: 'payload-not-utf8' });
  });

  it('what is nested too deep, and that without a deep stack', () => {
    expect(read(bytes(`a1 61 61 ${'a1 61 61'.repeat(8)} 01`))).toMatchObject({ code: 'payload-too-deep' });
    for (const head of ['81', '9f', 'a1 61 61', 'bf 61 61', 'c4 82 c4 82']) {
      const payload = Buffer.concat(Array.from({ length: 40_000 }, () => bytes(head)));
      expect(read(payload)).toMatchObject({ kind: 'rejection' });
    }
    expect(read(Buffer.alloc(128 * 1024, 0x81))).toMatchObject({ code: 'payload-too-deep' });
  });
});
