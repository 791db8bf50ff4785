import type { ApolloServerOptions, ApolloServerPlugin, BaseContext, GraphQLRequest } from '@apollo/server'
import { LRUCache } from 'lru-cache'
import { hashOfDocument } from '../documents/document-hash.ts'
import type { TrustedDocuments } from '../documents/trusted-documents.ts'
import { ApiError } from '../errors.ts'
import type { HttpConfig } from './config.ts'
import { createDocumentStore } from './document-store.ts'
import type { FormatError } from './errors.ts'
import { hashNamed, nameAnew } from './document-name.ts'

/** Characters of all documents that clients have made known, with their hashes. */
const MOST_CHARACTERS = 4 * 2 ** 20

export interface PersistedQueryOptions {
  config: Pick<HttpConfig, 'trustedDocuments' | 'automaticPersistedQueries'>
  documents: TrustedDocuments
  formatError: FormatError
}

/** What Apollo Server is to be started with, so that requests may name documents by their hash, or must. */
export function persistedQueries(options: PersistedQueryOptions) {
  const { config, documents } = options
  return {
    settings: {
      persistedQueries: config.automaticPersistedQueries ? { cache: automaticQueries(), ttl: null } : false,
      documentStore: createDocumentStore((hash) => documents.holds(hash)),
    } satisfies Partial<ApolloServerOptions<BaseContext>>,
    plugin: admission(options),
  }
}

/**
 * The documents that clients make known by running them once. Apollo Server puts in what has been validated, is within the
 * limits and has the hash; the ones used longest ago go first.
 */
function automaticQueries() {
  const sizeCalculation = (query: string, key: string) => query.length + key.length
  const queries = new LRUCache<string, string>({ maxSize: MOST_CHARACTERS, sizeCalculation })
  return {
    get: async (key: string) => queries.get(key),
    set: async (key: string, query: string) => void queries.set(key, query),
    delete: async (key: string) => queries.delete(key),
  }
}

/** Finds the document that a request names, and refuses what is not to be run, before anything is parsed. */
function admission(options: PersistedQueryOptions): ApolloServerPlugin {
  const { trustedDocuments, automaticPersistedQueries } = options.config
  if (trustedDocuments === 'off' && !automaticPersistedQueries) return {}
  return {
    async requestDidStart({ request }) {
      const refusal = await admit(request, options).then(() => null, asRefusal)
      if (refusal === null) return
      // The one way to end a request at this point: without a document Apollo Server goes on to answer, and to nothing else.
      delete request.query
      delete request.extensions
      const errors = [options.formatError(refusal.toJSON(), refusal)]
      return {
        async willSendResponse({ response }) {
          response.body = { kind: 'single', singleResult: { errors } }
        },
      }
    },
  }
}

function asRefusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  throw error
}

/** @throws ApiError where the request is not to be run */
async function admit(request: GraphQLRequest, { config, documents }: PersistedQueryOptions): Promise<void> {
  const { trustedDocuments, automaticPersistedQueries } = config
  const named = hashNamed(request)
  if (request.query !== undefined) {
    if (named === null && trustedDocuments !== 'require') return
    const hash = hashOfDocument(request.query)
    if (named !== null && named !== hash) throw new ApiError('BAD_REQUEST', 'The hash is not that of the document')
    if (trustedDocuments === 'require' && (await documents.find(hash)) === null) throw notTrusted()
    if (named !== null) nameAnew(request, automaticPersistedQueries ? hash : null)
    return
  }
  if (named === null) return
  const body = await documents.find(named)
  if (body !== null) {
    request.query = body
    nameAnew(request, null)
  } else if (trustedDocuments === 'require') throw notTrusted()
  else if (automaticPersistedQueries) nameAnew(request, named)
  // Apollo's clients go by this very message, and send the text then.
  else throw new ApiError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')
}

const notTrusted = () =>
  new ApiError(
    'DOCUMENT_NOT_TRUSTED',
    'This server runs only documents that it knows beforehand, and this is none of them',
  )
