import { afterEach } from '@jest/globals';

export type AtEnd = (clean: () => Promise<unknown> | void) => void;

/** What each test opens it hands over here, and it is closed after the test in reverse order, however the test ended. */
export function atEndOfEachTest(): AtEnd {
  const cleanUps: Parameters<AtEnd>[0][] = [];
  afterEach(() => runAll(cleanUps), 60_000);
  return (clean) => void cleanUps.push(clean);
}

async function runAll(cleanUps: Parameters<AtEnd>[0][]): Promise<void> {
  const outcomes: PromiseSettledResult<unknown>[] = [];
  for (const clean of cleanUps.splice(0).reverse()) {
    outcomes.push(...(await Promise.allSettled([Promise.resolve().then(clean)]))); // one that fails must not leave the others open
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}
