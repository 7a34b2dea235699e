import base from './jest.base.mjs';

/** `npm test`: everything that needs nothing but Node. Suites that need a real Kafka or InfluxDB end in `.services.spec.ts`. */
export default {
  ...base,
  testMatch: ['**/*.spec.ts'],
  maxWorkers: 3, // they wait for processes a third of the time; on two cores the default would be one
  testPathIgnorePatterns: ['/node_modules/', '\\.services\\.spec\\.ts$'],
};
