import { describe, expect, it } from '@jest/globals';
import type { Answer } from '../support/operator.js';
import { LedgersOf, recordsOwed, Verification } from './ledger-verdict.js';

/** Answers one call after the other. */
function answering(...bodies: readonly unknown[]): {
  call<T>(method: string, path: string): Promise<Answer<T>>;
} {
  const left = bodies.values();
  return {
    call: <T>() => {
      const { value: body, done } = left.next();
      return Promise.resolve({ status: done ? 500 : 200, body: body as T, headers: new Headers() }); // of this spec
    },
  };
}

describe('Verification', () => {
  const whole = { checked: 20, pending: 0, missingTotal: 0 };
  it.each([
    ['nothing is missing', [whole], true],
    [
      'nothing is missing in two answers',
      [
        { ...whole, checked: 12, next: 'there' },
        { ...whole, checked: 8 },
      ],
      true,
    ],
    ['it has looked at too little', [{ ...whole, checked: 19 }], false],
    ['it has looked at nothing', [{ ...whole, checked: 0 }], false],
    ['something is missing', [{ ...whole, missingTotal: 1 }], false],
    ['something is pending', [{ ...whole, pending: 1 }], false],
    [
      'something is missing further on',
      [
        { ...whole, next: 'there' },
        { ...whole, missingTotal: 1 },
      ],
      false,
    ],
    ['it does not answer', [], false],
  ])('when %s', async (_, bodies, expected) => {
    const verification = new Verification(answering(...bodies), 0, 20);
    expect(await verification.isWhole()).toBe(expected);
    expect(verification.wrong === undefined).toBe(expected);
  });
});

const DEVICE = { id: 'pump', published: 5, acknowledged: new Set([0, 1, 2, 3]), bad: new Set([2]) };

it('recordsOwed: what was acknowledged, neither refused nor damaged, and is not gone', () => {
  expect(recordsOwed([DEVICE], new Map())).toBe(3);
  expect(recordsOwed([{ ...DEVICE, spoilt: new Set([3]) }], new Map())).toBe(2);
  expect(recordsOwed([DEVICE, { ...DEVICE, id: 'fan' }], new Map([['fan', 3]]))).toBe(4);
});

describe('LedgersOf', () => {
  const log = { inLog: 4, duplicates: 1, stored: 3, waiting: 0 };
  const whole = { unaccounted: 0, totals: { log }, connections: [{ counters: 'final' }] };
  const [final, incomplete] = [{ counters: 'final' }, { counters: 'incomplete' }];

  it.each([
    ['all is there', whole],
    ['an earlier connection ended with its gateway', { ...whole, connections: [final, incomplete] }],
  ])('is right when %s', async (_, body) => {
    const ledgers = new LedgersOf(answering(body), [DEVICE]);
    expect([await ledgers.areRight(), ledgers.wrong]).toEqual([true, undefined]);
  });

  it.each([
    ['something is unaccounted', { ...whole, unaccounted: 1 }, '1 unaccounted'],
    [
      'it has counted too little',
      { ...whole, totals: { log: { ...log, inLog: 3 } } },
      'of 3 acknowledged 2 in',
    ],
    ['too little is stored', { ...whole, totals: { log: { ...log, stored: 2 } } }, '2 stored'],
    ['something waits', { ...whole, totals: { log: { ...log, waiting: 1 } } }, '1 waiting'],
    ['the last count has not come', { ...whole, connections: [incomplete] }, 'newest count incomplete'],
    ['it knows of no connection', { ...whole, connections: [] }, 'newest count undefined'],
  ])('is wrong when %s, and right when that has changed', async (_, body, wrong) => {
    const ledgers = new LedgersOf(answering(whole, body, whole), [DEVICE, { ...DEVICE, id: 'fan' }]);
    expect(await ledgers.areRight()).toBe(false);
    expect(ledgers.wrong).toContain(`ledger of fan:`);
    expect(ledgers.wrong).toContain(wrong);
    expect([await ledgers.areRight(), ledgers.wrong]).toEqual([true, undefined]);
  });

  it('is wrong when there is no answer', async () => {
    expect(await new LedgersOf(answering(), [DEVICE]).areRight()).toBe(false);
  });

  it('leaves out devices with damaged messages', async () => {
    expect(await new LedgersOf(answering(), [{ ...DEVICE, spoilt: new Set([4]) }]).areRight()).toBe(true);
  });
});
