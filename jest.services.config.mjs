import base from './jest.base.mjs';

const areGiven = Boolean(process.env.FIELDGATE_TEST_KAFKA || process.env.FIELDGATE_TEST_INFLUX);

/** `npm run test:services`: the suites that need real services, which their global set-up starts natively; a missing service fails. */
export default {
  ...base,
  testMatch: ['**/*.services.spec.ts'],
  globalSetup: '<rootDir>/ops/services/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/ops/services/jest-global-teardown.mjs',
  setupFiles: ['<rootDir>/ops/services/jest-services-of-worker.mjs'],
  maxWorkers: areGiven ? 1 : 2, // each with services of its own; they wait for processes more than they compute
};
