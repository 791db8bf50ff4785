import base from './jest.config.js'

/**
 * What is proven with servers of its own that are broken on purpose, and takes minutes: `npm run test:hard`.
 * @type {import('jest').Config}
 */
export default {
  ...base,
  testMatch: ['<rootDir>/test/hard/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/hard/global-setup.js',
  globalTeardown: '<rootDir>/test/hard/global-teardown.js',
  // What is measured must not be slowed by what is measured beside it.
  maxWorkers: 1,
}
