/** What every jest run of this repository shares: sources are compiled by swc and resolved from `src`, so no build is needed before a test. */
export default {
  testTimeout: 30_000, // a busy machine; nothing here measures time
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.services/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1', // './clock.js' in the source names './clock.ts'
    '^@fieldgate/(contracts|service|alert-rules|mqtt-edge|commit-log|telemetry-store)$':
      '<rootDir>/packages/$1/src/index.ts',
    '^@fieldgate/(commit-log|telemetry-store)/testing$': '<rootDir>/packages/$1/src/testing/index.ts',
    '^@fieldgate/([^/]+)$': '<rootDir>/$1/src/index.ts',
    '^#markdown-table$': '<rootDir>/packages/mqtt-edge/conformance/src/markdown-table.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};
