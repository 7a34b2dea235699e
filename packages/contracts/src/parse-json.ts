import { isUtf8 } from 'node:buffer';
import { asBuffer } from './as-buffer.js';
import { reject, type Rejection } from './errors.js';

/** JSON in UTF-8; the text of a SyntaxError is kept out of the answer because it quotes the payload. */
export function parseJson(payload: Uint8Array): { readonly value: unknown } | Rejection {
  const text = asBuffer(payload).toString('utf8');
  // U+FFFD is what the decoder puts for bad bytes; only then is it worth asking whether the sender really wrote one
  if (text.includes('\uFFFD') && !isUtf8(payload)) return reject('payload-not-utf8');
  try {
    return { value: JSON.parse(text) };
  } catch {
    return reject('payload-not-json', whatIsWrong(text));
  }
}

/** Of what is sent by mistake, so that nobody has to look at bytes; undefined: of all else nothing is known that may be said. */
function whatIsWrong(text: string): string | undefined {
  if (text === '') return 'the payload is empty: send one JSON object, or an array of them';
  return text.startsWith('\uFEFF')
    ? 'the payload begins with a byte order mark: send JSON without one'
    : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
