import type { ApolloServerOptions, BaseContext } from '@apollo/server'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'

type DocumentStore = Exclude<ApolloServerOptions<BaseContext>['documentStore'], null | undefined>

/**
 * Characters of all documents together: what is parsed, with the plans and whatever else is kept by document, takes some
 * hundred bytes of memory for each.
 */
const MOST_CHARACTERS = 512 * 1_024
/** Small documents take more than their characters say. */
const LEAST_SIZE = 128
const HASH_LENGTH = 64

const sizeOf = (document: DocumentNode): number => Math.max(document.loc?.source.body.length ?? 0, LEAST_SIZE)

/**
 * Keeps documents that have been parsed and validated, bounded by the length of their texts; those used longest ago go first.
 * Apollo Server's own store is bounded by their length as JSON, which is not what they take in memory.
 *
 * Trusted documents are kept apart: however many others are sent, they stay.
 * @param isTrusted whether the document of this hash is known beforehand; there are only so many of those
 */
export function createDocumentStore(isTrusted: (hash: string) => boolean): DocumentStore {
  const lru = () => new LRUCache<string, DocumentNode>({ maxSize: MOST_CHARACTERS, sizeCalculation: sizeOf })
  const trusted = lru()
  const others = lru()
  // Apollo Server puts the schema before the hash.
  const storeOf = (key: string) => (isTrusted(key.slice(-HASH_LENGTH)) ? trusted : others)
  return {
    get: async (key) => storeOf(key).get(key),
    set: async (key, document) => void storeOf(key).set(key, document),
    delete: async (key) => storeOf(key).delete(key),
  }
}
