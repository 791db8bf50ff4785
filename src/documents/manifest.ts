import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { hashOfDocument, isDocumentHash } from './document-hash.ts'

/** A document as a file gives it. */
export interface GivenDocument {
  /** What it is called in messages: its file, and its name or id there. */
  label: string
  body: string
}

/** What a file holds, and what is wrong with it. */
export interface Manifest {
  documents: GivenDocument[]
  mistakes: string[]
}

/** Apollo's persisted query manifest, version 1. */
const apolloManifest = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(z.object({ id: z.string(), name: z.string(), body: z.string() })),
})

/** What Relay's compiler and the client preset of graphql-codegen write: documents by their hashes. */
const persistedDocuments = z.record(z.string(), z.string())

const failed = (mistake: string): Manifest => ({ documents: [], mistakes: [mistake] })

/** Reads a file of documents: a manifest in JSON, or one document in GraphQL. Whether they can be served is not its question. */
export function readManifest(path: string, content: Buffer): Manifest {
  if (!isUtf8(content)) return failed(`${path}: not UTF-8`)
  const text = content.toString('utf8')
  if (/\.(graphql|gql)$/i.test(path)) return { documents: [{ label: path, body: text }], mistakes: [] }
  if (!/\.json$/i.test(path)) return failed(`${path}: neither .json nor .graphql`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return failed(`${path}: not JSON`)
  }
  return typeof json === 'object' && json !== null && 'format' in json ? ofApollo(path, json) : byHash(path, json)
}

function ofApollo(path: string, json: object): Manifest {
  const { success, data } = apolloManifest.safeParse(json)
  if (!success) return failed(`${path}: not an apollo-persisted-query-manifest of version 1`)
  return withIds(data.operations.map(({ id, name, body }) => ({ label: `${path}: ${name}`, id, body })))
}

function byHash(path: string, json: unknown): Manifest {
  const { success, data } = persistedDocuments.safeParse(json)
  if (!success) return failed(`${path}: not a manifest of documents by their hashes`)
  return withIds(Object.entries(data).map(([id, body]) => ({ label: `${path}: ${id}`, id, body })))
}

/** An id is what a client will send: one that is not the hash of its document would never be found, or be another's. */
function withIds(given: readonly (GivenDocument & { id: string })[]): Manifest {
  const documents = given.map(({ label, body }) => ({ label, body }))
  const mistakes = given.flatMap(({ label, id, body }) => {
    const hash = id.replace(/^sha256:/, '')
    if (!isDocumentHash(hash)) return [`${label}: the id is not a SHA-256 in lower-case hexadecimal`]
    return hash === hashOfDocument(body) ? [] : [`${label}: the id is not the SHA-256 of the document`]
  })
  return { documents, mistakes }
}
