import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, startServer, type TestServer } from '../harness.ts'
import { get, givenKeeper, hashOf, persistedQuery, post, type Keeper } from './given-documents.ts'

const TRUSTED = 'query Trusted { trusted: __typename }'
const OTHER = 'query Other { other: __typename }'

let server: TestServer
let keeper: Keeper

beforeAll(async () => {
  server = await startServer({ settings: { TRUSTED_DOCUMENTS: 'allow' } })
  keeper = await givenKeeper(server)
  await keeper.plant(hashOf(TRUSTED), TRUSTED)
  while ((await post(server.url, { extensions: persistedQuery(hashOf(TRUSTED)) })).errors.length > 0);
})
afterAll(async () => {
  await keeper?.end()
  await server?.close()
})

test('a trusted document may be named, and any other may be sent', async () => {
  const { data } = await get(server.url, { documentId: `sha256:${hashOf(TRUSTED)}` })
  expect(data).toEqual({ trusted: 'Query' })
  expect((await post(server.url, { query: OTHER })).data).toEqual({ other: 'Query' })
})

test.each(['application/json', 'application/graphql-response+json'])(
  'an unknown name is answered as Apollo’s clients expect it, with 200, where %s is accepted',
  async (accept) => {
    const answer = await post(server.url, { extensions: persistedQuery(hashOf(OTHER)) }, { accept })
    expect(answer.status).toBe(200)
    expect(answer.errors).toEqual([
      { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
    ])
  },
)

test('a client that then sends the text is served, and has made nothing known', async () => {
  const name = persistedQuery(hashOf(OTHER))
  expect((await post(server.url, { query: OTHER, extensions: name })).data).toEqual({ other: 'Query' })
  expectError(await post(server.url, { extensions: name }), 'PERSISTED_QUERY_NOT_FOUND')
})

test('a text with the hash of another is refused', async () => {
  expectError(await post(server.url, { query: OTHER, extensions: persistedQuery(hashOf(TRUSTED)) }), 'BAD_REQUEST')
})
