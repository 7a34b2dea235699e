import base from './jest.base.mjs';

/** `npm run test:services`: the suites that need real services, which their global set-up starts natively; a missing service fails. */
export default {
  ...base,
  testMatch: ['**/*.services.spec.ts'],
  globalSetup: '<rootDir>/ops/services/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/ops/services/jest-global-teardown.mjs',
  maxWorkers: 1,
};
