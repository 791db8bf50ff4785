import type { Contestant } from '../contestants.ts'
import { graphqlCalls } from '../graphql-calls.ts'
import { cpus } from '../processes.ts'
import type { Seed } from '../seed.ts'
import { readingCases } from './raw.contestant.ts'

export const OUR_SERVER = new URL('../../src/main.ts', import.meta.url)

/** More than any run sends. */
const UNLIMITED = '1000000'

/** As in production, a thread that hashes for each CPU, but for limits that a benchmark is there to exceed, and tokens that live as long as it does. */
export function ourSettings(seed: Pick<Seed, 'servingUrl' | 'redisUrl' | 'secrets'>): Record<string, string> {
  return {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    DATABASE_URL: seed.servingUrl,
    MIGRATE_ON_START: 'false',
    JWT_ISSUER: 'tenantry',
    JWT_SECRET: seed.secrets.jwt,
    PASSWORD_PEPPER: seed.secrets.pepper,
    API_KEY_HASH_KEY: seed.secrets.apiKeys,
    ACCESS_TOKEN_TTL_SECONDS: '86400',
    DRAIN_GRACE_MS: '0',
    PASSWORD_HASH_THREADS: String(cpus),
    ...(seed.redisUrl && { REDIS_URL: seed.redisUrl, REDIS_KEY_PREFIX: `tenantry-bench-${process.pid}:` }),
    SIGN_IN_FREE_FAILURES_PER_ADDRESS: '10000',
    RATE_LIMIT_ANONYMOUS_PER_MINUTE: UNLIMITED,
    RATE_LIMIT_USER_PER_MINUTE: UNLIMITED,
    RATE_LIMIT_API_KEY_PER_MINUTE: UNLIMITED,
    RATE_LIMIT_API_KEY_MAX_PER_MINUTE: UNLIMITED,
    RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: UNLIMITED,
    RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE: UNLIMITED,
  }
}

/** The server of this repository: RLS, guards, limits and audit trail on. */
export const ours: Contestant = {
  name: 'ours',
  title: 'Tenantry',
  program: OUR_SERVER,
  settings: ourSettings,
  calls: async (id, seed) => graphqlCalls(id, seed, seed.large.ourDeepCursor),
}

/** The same with two workers. On the one CPU that a server has they are no faster: what they cost is what is measured. */
export const oursOnTwo: Contestant = {
  ...ours,
  name: 'ours-two-workers',
  title: 'Tenantry, 2 workers',
  settings: (seed) => ({ ...ourSettings(seed), WORKERS: '2' }),
  calls: async (id, seed, url) => (readingCases.includes(id) ? ours.calls(id, seed, url) : []),
}
