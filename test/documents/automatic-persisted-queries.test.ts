import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { TrustedDocuments } from '../../src/documents/trusted-documents.ts'
import { expectError } from '../harness.ts'
import { givenServer, type GivenServer } from '../http/given-server.ts'
import { get, hashOf, persistedQuery, post } from './given-documents.ts'

const TRUSTED = 'query Trusted { trusted: __typename }'

/** The server's own, with one document and without a database. */
const documents: TrustedDocuments = {
  find: (hash) => (hash === hashOf(TRUSTED) ? TRUSTED : null),
  holds: (hash) => hash === hashOf(TRUSTED),
  stop: async () => {},
}

let server: GivenServer

beforeAll(async () => {
  const config = { trustedDocuments: 'allow', automaticPersistedQueries: true } as const
  server = await givenServer({ config, documents })
})
afterAll(() => server?.close())

const named = (query: string) => ({ extensions: persistedQuery(hashOf(query)) })
const isKnown = async (query: string) => {
  const { errors } = await post(server.url, named(query))
  return errors.every(({ extensions }) => extensions.code !== 'PERSISTED_QUERY_NOT_FOUND')
}

test.each([
  ['POST', post],
  ['GET', get],
])('as Apollo’s clients do it by %s: not found, made known, found', async (method, send) => {
  const query = `query By${method} { hello }`
  const unknown = await send(server.url, named(query))
  expect(unknown.status).toBe(200)
  expect(unknown.errors).toEqual([
    { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
  ])
  expect((await send(server.url, { query, ...named(query) })).data).toEqual({ hello: 'Hello you' })
  expect((await send(server.url, named(query))).data).toEqual({ hello: 'Hello you' })
  expect((await send(server.url, { documentId: `sha256:${hashOf(query)}` })).data).toEqual({ hello: 'Hello you' })
})

test.each([
  ['what is no document', '{'],
  ['what does not fit the schema', '{ nope }'],
  ['what is beyond the limits', '{ a: hello '.repeat(20) + '}'.repeat(20)],
  ['what costs too much', '{ projects(first: 100) { nodes { children(first: 100) { nodes { id } } } } }'],
])('%s is not made known', async (_, query) => {
  const answer = await post(server.url, { query, ...named(query) })
  expect(answer).toMatchObject({ data: undefined, errors: expect.any(Array) })
  expect(await isKnown(query)).toBe(false)
})

test('a text is not made known under the hash of another', async () => {
  const query = 'query Victim { hello }'
  const answer = await post(server.url, { query: '{ upper(text: "evil") }', ...named(query) })
  expectError(answer, 'BAD_REQUEST')
  expect(answer.status).toBe(400)
  expect(await isKnown(query)).toBe(false)
})

test('a text that comes without its hash is not made known', async () => {
  const query = 'query Unnamed { hello }'
  expect((await post(server.url, { query })).errors).toEqual([])
  expect(await isKnown(query)).toBe(false)
})

test('many large documents push out those used longest ago, and no trusted one', async () => {
  const early = 'query Early { hello }'
  await post(server.url, { query: early, ...named(early) })
  expect(await isKnown(early)).toBe(true)
  const large = Array.from({ length: 50 }, (_, n) => `query Large${n} { hello } # ${'x'.repeat(95_000)}`)
  for (const query of large) expect((await post(server.url, { query, ...named(query) })).errors).toEqual([])
  expect(await isKnown(early)).toBe(false)
  expect(await isKnown(large.at(-1)!)).toBe(true)
  expect((await post(server.url, named(TRUSTED))).data).toEqual({ trusted: 'Query' })
})
