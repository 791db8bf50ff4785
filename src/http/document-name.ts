import type { GraphQLRequest } from '@apollo/server'
import { ApiError } from '../errors.ts'

/**
 * The hash by which a request names its document; null where it names none. There are two ways to write it:
 * `extensions.persistedQuery.sha256Hash` of Apollo's clients, and `documentId: "sha256:…"` of GraphQL over HTTP, appendix A.
 * What is no such hash is the name of no document.
 * @throws ApiError BAD_REQUEST where it is malformed, or there are two that differ.
 */
export function hashNamed(request: GraphQLRequest): string | null {
  const hash = hashInExtensions(request)
  const id = documentIdOf(request)
  if (id === undefined) return hash
  const ofId = withoutPrefix(id)
  if (hash !== null && hash !== ofId) throw malformed('The document is named in two ways that differ')
  return ofId
}

/** Code generators write the prefix of a `documentId` where Apollo's clients then send it too. */
const withoutPrefix = (name: string): string => name.replace(/^sha256:/, '')

/** Lets a request name its document in Apollo's way, or not at all. */
export function nameAnew(request: GraphQLRequest, sha256Hash: string | null): void {
  const { persistedQuery: _named, ...others } = request.extensions ?? {}
  request.extensions = sha256Hash === null ? others : { ...others, persistedQuery: { version: 1, sha256Hash } }
}

function hashInExtensions({ extensions }: GraphQLRequest): string | null {
  const named: unknown = extensions?.persistedQuery
  if (named === undefined || named === null) return null
  if (typeof named !== 'object' || !('version' in named) || named.version !== 1) {
    throw malformed('Persisted queries are of version 1')
  }
  if ('sha256Hash' in named && typeof named.sha256Hash === 'string') return withoutPrefix(named.sha256Hash)
  throw malformed('persistedQuery.sha256Hash must be a string')
}

/** What Apollo Server does not read. */
function documentIdOf({ http }: GraphQLRequest): string | undefined {
  if (http?.method === 'GET') {
    const [id, ...others] = new URLSearchParams(http.search).getAll('documentId')
    if (others.length > 0) throw malformed('documentId must be given once')
    return id
  }
  const { body } = http ?? {}
  if (typeof body !== 'object' || body === null || !('documentId' in body)) return undefined
  if (body.documentId === null) return undefined
  if (typeof body.documentId === 'string') return body.documentId
  throw malformed('documentId must be a string')
}

const malformed = (message: string) => new ApiError('BAD_REQUEST', message)
