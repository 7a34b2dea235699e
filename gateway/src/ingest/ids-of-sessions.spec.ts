import { MINTED_PLACES, mintedNumber, mintedSession } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { IdsOfSessions } from './ids-of-sessions.js';

const AT = Date.parse('2026-11-20T21:00:00.000Z');
const HOUR_MS = 3_600_000;

function numberIn(id: string): number {
  const number = mintedNumber(id);
  if (number === undefined) throw new Error(`no number in ${id}`);
  return number;
}

it('the ids of a session ascend, whatever the clock does, and those of two sessions differ', () => {
  const ids = new IdsOfSessions('b00t', AT);
  const [one, two] = [ids.mint(), ids.mint()];
  const times = [AT, AT, AT, AT + 1_000, AT + 5 * HOUR_MS, AT - 365 * 24 * HOUR_MS, 0, AT + 1];
  const ofOne = times.map((at) => one(at));
  const numbers = ofOne.map(numberIn);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(new Set(ofOne.map(mintedSession)).size).toBe(1);
  const ofTwo = times.map((at) => two(at));
  expect(new Set([...ofOne, ...ofTwo]).size).toBe(2 * times.length);
});

it('they are short: a number begins at most an hour after nought', () => {
  const start = new IdsOfSessions('b00t', AT).mint()(AT);
  expect(numberIn(start)).toBeLessThan(MINTED_PLACES);
});

it('no place comes again within an hour, over whichever connection or run of a gateway', () => {
  const places = new Set<number>();
  let [ids, sent] = [new IdsOfSessions('b00t', AT), 0];
  let mint = ids.mint();
  for (let at = AT; at < AT + HOUR_MS; at += 100) {
    if (at % 600_000 === 0) ids = new IdsOfSessions('next', at);
    if (at % 60_000 === 0) mint = ids.mint();
    for (let n = 0; n < 9; n += 1, sent += 1) places.add(numberIn(mint(at)) % MINTED_PLACES);
  }
  expect(sent).toBe(324_000);
  expect(places.size).toBe(sent);
});
