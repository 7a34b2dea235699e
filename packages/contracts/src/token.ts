/**
 * Random bytes, or a digest, as a text that people put on command lines: base64url that begins with a letter or digit. One that began with `-`
 * would be read as options by the program that it is given to.
 */
export function tokenOf(bytes: Uint8Array): string {
  const token = Buffer.from(bytes);
  const first = token[0] ?? 0;
  if (first >= FIRST_OF_SIGNS) token[0] = first & 0b0111_1111;
  return token.toString('base64url');
}

/** The first six bits of a byte are the first character; 62 and 63 are `-` and `_`. */
const FIRST_OF_SIGNS = 62 << 2;
