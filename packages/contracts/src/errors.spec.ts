import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ERRORS, FieldgateError, isRejection, reject, type ErrorCode } from './errors.js';

/** The rows of the tables in docs/errors.md, without the escapes that Markdown needs. */
function documented(): string[][] {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replaceAll('\\_', '_').replaceAll('`', '')),
    );
}

describe('the codes', () => {
  it('stand in docs/errors.md as they stand in the code', () => {
    const codes = Object.entries(ERRORS).map(([code, { status, retriable, says, todo }]) => [
      code,
      String(status),
      retriable ? 'yes' : 'no',
      says,
      todo,
    ]);
    expect(documented()).toEqual(codes);
  });

  it('say themselves whether a retry makes sense', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(new FieldgateError(code).retriable).toBe(ERRORS[code].retriable);
      expect(ERRORS[code].retriable).toBe(ERRORS[code].status === 503);
    }
  });
});

describe('FieldgateError', () => {
  it('keeps detail and cause', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new FieldgateError('log-unavailable', 'no broker', { cause });
    expect(error).toMatchObject({
      name: 'FieldgateError',
      code: 'log-unavailable',
      message: 'no broker',
      cause,
    });
    expect(new FieldgateError('log-unavailable').message).toBe(ERRORS['log-unavailable'].says);
  });
});

describe('isRejection', () => {
  it('knows rejections from everything else', () => {
    expect(isRejection(reject('payload-shape'))).toBe(true);
    for (const other of [undefined, null, 5, 'rejection', {}, { kind: 'one' }])
      expect(isRejection(other)).toBe(false);
  });
});
