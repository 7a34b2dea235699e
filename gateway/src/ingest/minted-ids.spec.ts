import { MINTED_PLACES, mintedNumber, mintedSequence } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import { MintedIds } from './minted-ids.js';

const AT = Date.parse('2026-11-20T21:00:00.000Z');
const HOUR_MS = 3_600_000;

function numberIn(id: string): number {
  const number = mintedNumber(id);
  if (number === undefined) throw new Error(`no number in ${id}`);
  return number;
}

const placeOf = (id: string): number => numberIn(id) % MINTED_PLACES;

it('the ids of a sequence ascend, whatever the clock does, and those of two sequences differ', () => {
  const ids = new MintedIds('b00t');
  const [one, two] = [ids.sequence(), ids.sequence()];
  const times = [AT, AT, AT, AT + 1_000, AT + 5 * HOUR_MS, AT - 365 * 24 * HOUR_MS, 0, AT + 1];
  const ofOne = times.map((at) => one(at));
  const numbers = ofOne.map(numberIn);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(new Set(ofOne.map(mintedSequence)).size).toBe(1);
  const ofTwo = times.map((at) => two(at));
  expect(new Set([...ofOne, ...ofTwo]).size).toBe(2 * times.length);
});

it('they are short: a number begins at most an hour after nought', () => {
  expect(numberIn(new MintedIds('b00t').sequence()(AT))).toBeLessThan(MINTED_PLACES);
});

it('no place comes again within an hour, over whichever sequence or run of a gateway', () => {
  const places = new Set<number>();
  let [ids, sent] = [new MintedIds('b00t'), 0];
  let mint = ids.sequence();
  for (let at = AT; at < AT + HOUR_MS; at += 100) {
    if (at % 600_000 === 0) ids = new MintedIds('next');
    if (at % 60_000 === 0) mint = ids.sequence();
    for (let n = 0; n < 9; n += 1, sent += 1) places.add(placeOf(mint(at)));
  }
  expect(sent).toBe(324_000);
  expect(places.size).toBe(sent);
});

it('nor when the clock was set back after the start', () => {
  const ids = new MintedIds('b00t');
  ids.sequence()(AT + 5 * HOUR_MS);
  const places = Array.from({ length: 3_000 }, (_, second) => placeOf(ids.sequence()(AT + second * 1_000)));
  expect(new Set(places).size).toBe(3_000);
});
