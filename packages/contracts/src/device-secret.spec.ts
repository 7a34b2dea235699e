import { describe, expect, it } from '@jest/globals';
import { hashSecret, secretMatches } from './device-secret.js';

const salt = Buffer.from('0123456789abcdef');

describe('a device secret', () => {
  it('is kept as sha256, salt and hash, and recognised', () => {
    const stored = hashSecret('correct horse battery', salt);
    expect(stored).toMatch(/^sha256\$[\w-]{22}\$[\w-]{43}$/);
    expect(secretMatches('correct horse battery', stored)).toBe(true);
    expect(secretMatches(Buffer.from('correct horse battery'), stored)).toBe(true);
    expect(secretMatches('correct horse batterz', stored)).toBe(false);
    expect(secretMatches('', stored)).toBe(false);
  });

  it('has another hash with another salt', () => {
    expect(hashSecret('same', salt)).not.toBe(hashSecret('same', Buffer.from('fedcba9876543210')));
  });

  it.each(['', 'sha256', 'sha256$$', 'plain$c2FsdA$c2FsdA', 'sha256$c2FsdA$c2FsdA', 'sha256$a$b$c'])(
    'matches nothing when %j is stored',
    (stored) => {
      expect(secretMatches('anything', stored)).toBe(false);
      expect(secretMatches('', stored)).toBe(false);
    },
  );
});
