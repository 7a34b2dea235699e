/** Numbers from 0 up to 1. */
export type Random = () => number;

/** The same seed gives the same numbers on every machine (mulberry32 over FNV-1a of the seed); not for secrets. */
export function seededRandom(seed: string): Random {
  let state = 0x811c9dc5;
  for (const character of seed) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

/** About normal, with the deviation given: the sum of uniform numbers is close enough for a sensor. */
export function noise(random: Random, deviation: number): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3) * deviation;
}
