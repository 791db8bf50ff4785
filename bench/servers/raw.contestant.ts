import type { Contestant } from '../contestants.ts'
import { graphqlCalls } from '../graphql-calls.ts'
import type { Seed } from '../seed.ts'
import type { CaseId } from '../workloads.ts'

/** Settings of the peers that share our database and our tokens. */
export const peerSettings = ({ ownerUrl, secrets }: Seed) => ({
  NODE_ENV: 'production',
  DATABASE_URL: ownerUrl,
  JWT_SECRET: secrets.jwt,
  API_KEY_HASH_KEY: secrets.apiKeys,
})

/** What a peer does that reads and does not sign anybody in. */
export const readingCases: readonly CaseId[] = ['W0', 'W1', 'W2', 'W3', 'W6 first', 'W6 deep']

/** No framework, no GraphQL, no guard but the tenant in each statement: the limit of one Node process. */
export const raw: Contestant = {
  name: 'raw',
  title: 'node:http + pg, by hand',
  program: new URL('./raw.ts', import.meta.url),
  settings: peerSettings,
  calls: async (id, seed) => (readingCases.includes(id) ? graphqlCalls(id, seed, seed.large.beforeDeepPage) : []),
}
