import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scanUtf8, Utf8Finding } from './utf8.js';

const scan = (bytes: readonly number[]): number => scanUtf8(Uint8Array.from(bytes), 0, bytes.length);

it.each([
  ['nothing', []],
  ['ASCII', [0x41, 0x7e]],
  ['U+00A0, the first beyond the controls', [0xc2, 0xa0]],
  ['U+FEFF, which is no mark here', [0xef, 0xbb, 0xbf]],
  ['U+2A6D4, the example of 1.5.4', [0x41, 0xf0, 0xaa, 0x9b, 0x94]],
  ['U+D7FF, the last before the surrogates', [0xed, 0x9f, 0xbf]],
  ['U+10FFFD, the last character', [0xf4, 0x8f, 0xbf, 0xbd]],
])('accepts %s', (_, bytes) => {
  expect(scan(bytes)).toBe(0);
});

it.each([
  ['U+0000', [0x61, 0x00]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['an overlong slash of two bytes', [0xc0, 0xaf]],
  ['an overlong slash of three', [0xe0, 0x80, 0xaf]],
  ['an overlong slash of four', [0xf0, 0x80, 0x80, 0xaf]],
  ['a continuation without a lead', [0x61, 0x80]],
  ['a lead without its continuation', [0xc3, 0x28]],
  ['a third byte that continues nothing', [0xe2, 0x82, 0x28]],
  ['a sequence cut off by the end', [0xe2, 0x82]],
  ['what is above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['0xFF', [0xff]],
  ['U+0000 behind other characters', [0xc3, 0xa4, 0x00]],
])('refuses %s', (_, bytes) => {
  expect(scan(bytes) & Utf8Finding.malformed).toBe(Utf8Finding.malformed);
});

it.each([
  ['U+0001', [0x01]],
  ['U+001F', [0x1f]],
  ['U+007F', [0x7f]],
  ['U+0080', [0xc2, 0x80]],
  ['U+009F', [0xc2, 0x9f]],
  ['U+FDD0', [0xef, 0xb7, 0x90]],
  ['U+FFFF', [0xef, 0xbf, 0xbf]],
  ['U+1FFFE', [0xf0, 0x9f, 0xbf, 0xbe]],
])('names %s as a character that names should not have', (_, bytes) => {
  expect(scan(bytes)).toBe(Utf8Finding.discouraged);
});

it('sees wildcards before and behind other characters', () => {
  expect(scan([0x2b])).toBe(Utf8Finding.wildcard);
  expect(scan([0xc3, 0xa4, 0x23])).toBe(Utf8Finding.wildcard);
});

it('looks at nothing outside the bounds', () => {
  expect(scanUtf8(Uint8Array.from([0x00, 0x61, 0xc3, 0xa4]), 1, 2)).toBe(0);
  expect(scanUtf8(Uint8Array.from([0x61, 0xc3, 0xa4]), 0, 2)).toBe(Utf8Finding.malformed);
});

it('agrees with the decoder of the platform on any bytes', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decodes = (bytes: Uint8Array): boolean => {
    try {
      return !strict.decode(bytes).includes('\0');
    } catch {
      return false;
    }
  };
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 4 }), (parts) => {
      const bytes = Buffer.concat(parts);
      expect((scanUtf8(bytes, 0, bytes.length) & Utf8Finding.malformed) === 0).toBe(decodes(bytes));
    }),
    { numRuns: 3000, seed: 20261121 },
  );
});
