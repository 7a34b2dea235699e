import { describe, expect, it } from '@jest/globals';
import { bodyHashOf, commandIdOf, idempotencyKey } from './command-identity.js';

const command = {
  name: 'reboot',
  params: { a: 1, b: { c: [1, 2], d: null } },
  mode: 'interactive',
  ttlSeconds: 30,
  timeoutSeconds: 30,
} as const;

describe('a command id', () => {
  it('is the same for the same operator, device and key, and fits an MQTT topic', () => {
    expect(commandIdOf('admin', 'pump-7', 'k')).toBe(commandIdOf('admin', 'pump-7', 'k'));
    expect(commandIdOf('admin', 'pump-7', 'k')).toMatch(/^[\w-]{22}$/);
  });

  it('begins with a letter or digit, so that no command line takes it for options', () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => [
      commandIdOf('admin', 'pump-7', String(index)),
      commandIdOf('admin', 'pump-7', undefined),
    ]).flat();
    expect(ids.filter((id) => !/^[A-Za-z0-9][\w-]{21}$/.test(id))).toEqual([]);
  });

  it('differs by each of them, and has no seams', () => {
    const ids = [
      commandIdOf('admin', 'pump-7', 'k'),
      commandIdOf('admin', 'pump-7', 'l'),
      commandIdOf('admin', 'pump-8', 'k'),
      commandIdOf('other', 'pump-7', 'k'),
      commandIdOf('admin', 'pump-7k', ''),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is a new one without a key', () => {
    expect(commandIdOf('admin', 'pump-7', undefined)).not.toBe(commandIdOf('admin', 'pump-7', undefined));
  });
});

describe('the hash of a body', () => {
  it('does not depend on the order of members', () => {
    const turned = { ...command, params: { b: { d: null, c: [1, 2] }, a: 1 } };
    expect(bodyHashOf(turned)).toBe(bodyHashOf(command));
  });

  it.each([
    { ...command, name: 'restart' },
    { ...command, params: { a: 1, b: { c: [2, 1], d: null } } },
    { ...command, params: { a: '1', b: { c: [1, 2], d: null } } },
    { ...command, ttlSeconds: 31 },
  ])('depends on everything else', (other) => {
    expect(bodyHashOf(other)).not.toBe(bodyHashOf(command));
  });
});

it.each(['', 'ü', 'x'.repeat(256), 'a\tb'])('refuses the Idempotency-Key %j', (header) => {
  expect(() => idempotencyKey(header)).toThrow('Idempotency-Key');
});
