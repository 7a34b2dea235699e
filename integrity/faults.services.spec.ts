import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BenchServices } from './faults/bench-services.js';
import { ALL_CASES, SHORT_SELECTION } from './faults/cases/all-cases.js';
import { runCase } from './faults/run-case.js';

const SEED = Number(process.env['FIELDGATE_SEED'] ?? 7);
/** Seconds on an idle machine; minutes where twenty processes share two cores. */
const STARTS_WITHIN_MS = 300_000;
const ENDS_WITHIN_MS = 600_000;

/** The short selection of `npm run faults`: three brokers and an InfluxDB of its own, each behind a proxy. */
describe('what is acknowledged is stored, once and in order,', () => {
  let services: BenchServices;

  beforeAll(async () => {
    services = await BenchServices.start();
  }, STARTS_WITHIN_MS);

  afterAll(() => services?.stop(), STARTS_WITHIN_MS);

  const selected = ALL_CASES.filter(({ name }) => SHORT_SELECTION.includes(name));

  it.each(selected.map((faultCase) => [faultCase.promise ?? faultCase.title, faultCase] as const))(
    `%s (seed ${SEED})`,
    async (_, faultCase) => {
      const result = await runCase(faultCase, SEED, services);
      const { lost, reordered, storedTwice, problems } = result;
      expect({ lost, reordered, storedTwice, problems }).toEqual({
        lost: 0,
        reordered: 0,
        storedTwice: 0,
        problems: [],
      });
      expect(result.acknowledged).toBeGreaterThan(100);
    },
    ENDS_WITHIN_MS,
  );
});
