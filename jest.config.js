/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }],
  },
  // What only a server can show: several connections, instances or logins. The embedded database has one of each; and what
  // needs a Redis.
  testPathIgnorePatterns: [
    '/node_modules/',
    // What takes minutes and brings its own servers: jest.hard.config.js.
    '<rootDir>/test/hard/',
    ...(process.env.DATABASE_URL ? [] : ['\\.postgres\\.test\\.ts$']),
    ...(process.env.REDIS_URL ? [] : ['\\.redis\\.test\\.ts$']),
  ],
  testEnvironment: 'node',
  // Copies of the project that `npm run mutate` works in.
  modulePathIgnorePatterns: ['<rootDir>/.stryker-tmp/'],
  globalSetup: '<rootDir>/test/global-setup.js',
  globalTeardown: '<rootDir>/test/global-teardown.js',
  // For a machine at half the speed: a test that hangs is told all the same.
  testTimeout: 180_000,
  maxWorkers: 2,
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  // With `npm run test:coverage` alone.
  coverageProvider: 'babel',
  coverageReporters: ['text', 'json-summary'],
  collectCoverageFrom: ['src/**/*.ts', '!src/generated/**'],
  // Where a line that no test has run may be a hole.
  coverageThreshold: {
    './src/principal/': { lines: 100 },
    './src/access/': { lines: 100 },
    './src/rate-limits/': { lines: 100 },
    './src/database/tenancy.ts': { lines: 100 },
  },
}
