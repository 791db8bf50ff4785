import type { Contestant } from '../contestants.ts'
import { graphqlCalls } from '../graphql-calls.ts'
import { peerSettings, readingCases } from './raw.contestant.ts'

/** What one writes first: a directive by mapSchema, `em.find` with a filter, a loader. Memory is compared with it. */
export const obvious: Contestant = {
  name: 'obvious',
  title: 'Apollo on Express, em.find',
  program: new URL('./obvious.ts', import.meta.url),
  settings: peerSettings,
  calls: async (id, seed) => (readingCases.includes(id) ? graphqlCalls(id, seed, seed.large.beforeDeepPage) : []),
}
