import type { Contestant } from '../contestants.ts'
import { graphqlCalls } from '../graphql-calls.ts'
import { peerSettings, readingCases } from './raw.contestant.ts'

/** Compiled execution, an auth directive on the fields, a loader for the gateways. Tenants are kept apart by each statement. */
export const mercurius: Contestant = {
  name: 'mercurius',
  title: 'Mercurius, JIT, mercurius-auth',
  program: new URL('./mercurius.ts', import.meta.url),
  settings: peerSettings,
  calls: async (id, seed) => (readingCases.includes(id) ? graphqlCalls(id, seed, seed.large.beforeDeepPage) : []),
}
