import { expect, it } from '@jest/globals';
import { tokenOf } from './token.js';

it('begins with a letter or digit, whatever the bytes are', () => {
  const tokens = Array.from({ length: 256 }, (_, first) => tokenOf(Uint8Array.of(first, 0xff, first)));
  expect(tokens.filter((token) => !/^[A-Za-z0-9][\w-]{3}$/.test(token))).toEqual([]);
});

it('is the bytes in base64url, and leaves them as they are', () => {
  const bytes = Uint8Array.of(0xf7, 0xff, 0xff);
  expect(Buffer.from(tokenOf(bytes), 'base64url')).toEqual(Buffer.from(bytes));
  const signs = Uint8Array.of(0xff, 0xff, 0xff);
  expect(tokenOf(signs)).toBe('f___');
  expect(signs).toEqual(Uint8Array.of(0xff, 0xff, 0xff));
});
