import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'
import { givenOperator } from '../platform/given-operator.ts'
import { expectRefused, get, givenKeeper, hashOf, persistedQuery, post, type Keeper } from './given-documents.ts'

const HELLO = 'query Hello { __typename }'
const OTHER = 'query Other { other: __typename }'
const ME = '{ me { email } }'
const PAGE =
  'query Page($first: Int!) { projects(first: $first) { nodes { name gateways(first: $first) { nodes { id } } } } }'
const TWO = 'query One { one: __typename } query Two { two: __typename }'
const RENAME = 'mutation ($input: UpdateProjectInput!) { updateProject(input: $input) { project { name } } }'
const ARBITRARY = '{ projects { totalCount } }'

let server: TestServer
let keeper: Keeper
let admin: Person
let callers: [string, Record<string, string>][]

beforeAll(async () => {
  server = await startServer({ settings: { TRUSTED_DOCUMENTS: 'require' } })
  keeper = await givenKeeper(server)
  admin = await givenPerson(keeper.settingUp)
  const { secret } = await givenApiKey(keeper.settingUp, admin)
  const operator = await givenOperator({ ...server, ...keeper.settingUp })
  callers = [
    ['nobody', {}],
    ['a user', { authorization: `Bearer ${admin.token}` }],
    ['an API key', { 'x-api-key': secret }],
    ['an operator', { authorization: `Bearer ${operator.token}` }],
  ]
  await keeper.trust(HELLO, OTHER, ME, PAGE, TWO, RENAME)
})
afterAll(async () => {
  await keeper?.end()
  await server?.close()
})

describe('a document that is not trusted is refused', () => {
  test.each(['nobody', 'a user', 'an API key', 'an operator'])('whoever sends it: %s', async (name) => {
    const headers = callers.find(([caller]) => caller === name)?.[1]
    expectRefused(await post(server.url, { query: ARBITRARY }, headers))
    expectRefused(await get(server.url, { query: ARBITRARY }, headers))
    expectRefused(
      await post(server.url, { query: ARBITRARY }, { ...headers, accept: 'application/graphql-response+json' }),
    )
  })

  test.each([
    ['introspection', '{ __schema { types { name } } }'],
    ['a document that does not fit the schema, which would tell of it', '{ proyects { id } }'],
    ['a text that is no document', '{'],
    ['no text at all', ''],
    ['a trusted document with one more blank', `${HELLO} `],
    ['a trusted document with something behind it', `${HELLO} query Evil { me { email } }`],
    ['a trusted document after a byte order mark', `\uFEFF${HELLO}`],
  ])('%s', async (_, query) => {
    expectRefused(await post(server.url, { query }))
  })

  test('a mutation, which then has not run', async () => {
    const id = await givenProject(keeper.settingUp, admin, 'Before')
    const query = RENAME.replace('name', 'id')
    const variables = { input: { id, name: 'After' } }
    expectRefused(await post(server.url, { query, variables }, { authorization: `Bearer ${admin.token}` }))
    const read = await keeper.settingUp.send(`{ project(id: "${id}") { name } }`, { token: admin.token })
    expect(read.data).toEqual({ project: { name: 'Before' } })
  })

  test.each([
    ['the hash of no document', 'f'.repeat(64)],
    ['a trusted hash in upper case', hashOf(HELLO).toUpperCase()],
    ['a trusted hash with a blank', `${hashOf(HELLO)} `],
    ['the beginning of a trusted hash', hashOf(HELLO).slice(0, 40)],
    ['what every object has', '__proto__'],
    ['nothing', ''],
  ])('named by %s', async (_, hash) => {
    expectRefused(await post(server.url, { extensions: persistedQuery(hash) }))
    expectRefused(await get(server.url, { extensions: persistedQuery(hash) }))
    expectRefused(await post(server.url, { documentId: `sha256:${hash}` }))
    expectRefused(await get(server.url, { documentId: `sha256:${hash}` }))
  })

  test('with its own hash, as a client would register it, and neither then nor later', async () => {
    for (let time = 1; time <= 2; time += 1) {
      expectRefused(await post(server.url, { query: ARBITRARY, extensions: persistedQuery(hashOf(ARBITRARY)) }))
      expectRefused(await post(server.url, { extensions: persistedQuery(hashOf(ARBITRARY)) }))
    }
  })

  test('whose row was given the hash of another text', async () => {
    const hash = hashOf('{ a: __typename }')
    await keeper.plant(hash, ARBITRARY)
    await keeper.trust('{ b: __typename }')
    expectRefused(await post(server.url, { extensions: persistedQuery(hash) }))
    expectRefused(await post(server.url, { query: ARBITRARY }))
    expect(server.logged.some((line) => line.includes(hash))).toBe(true)
  })
})

describe('what contradicts itself is no request', () => {
  test.each([
    ['a text with the hash of a trusted document', { query: ARBITRARY, extensions: persistedQuery(hashOf(HELLO)) }],
    ['a trusted text with the hash of another', { query: HELLO, extensions: persistedQuery(hashOf(OTHER)) }],
    [
      'a trusted text with its hash in upper case',
      { query: HELLO, documentId: `sha256:${hashOf(HELLO).toUpperCase()}` },
    ],
    ['two names', { documentId: `sha256:${hashOf(HELLO)}`, extensions: persistedQuery(hashOf(OTHER)) }],
    ['another version', { extensions: persistedQuery(hashOf(HELLO), 2) }],
    ['a hash that is no text', { extensions: persistedQuery([hashOf(HELLO)]) }],
    ['a name that is no text', { documentId: [`sha256:${hashOf(HELLO)}`] }],
    ['a persisted query that is none', { extensions: { persistedQuery: hashOf(HELLO) } }],
  ])('%s', async (_, body) => {
    const answer = await post(server.url, body)
    expectError(answer, 'BAD_REQUEST')
    expect(answer).toMatchObject({ status: 400, data: undefined })
  })

  test('a batch, though one of it is trusted', async () => {
    const answer = await post(server.url, [{ query: HELLO }, { query: ARBITRARY }])
    expectError(answer, 'BAD_REQUEST')
    expect(answer).toMatchObject({ status: 400, data: undefined })
  })

  test('a name given twice', async () => {
    const id = `documentId=sha256:${hashOf(HELLO)}`
    const response = await fetch(`${server.url}/graphql?${id}&${id}`)
    expect(response.status).toBe(400)
  })
})

describe('a trusted document is served', () => {
  const named = { extensions: persistedQuery(hashOf(HELLO)) }
  const id = { documentId: `sha256:${hashOf(HELLO)}` }
  test.each([
    ['by its text', { query: HELLO }],
    ['by its hash', named],
    ['by its id', id],
    ['by its hash, written as an id', { extensions: persistedQuery(`sha256:${hashOf(HELLO)}`) }],
    ['by its text and its hash', { query: HELLO, ...named }],
    ['by both names', { ...named, ...id }],
  ])('%s, by POST and by GET', async (_, request) => {
    for (const send of [post, get]) {
      const answer = await send(server.url, request)
      expect(answer).toMatchObject({ status: 200, data: { __typename: 'Query' }, errors: [] })
    }
  })

  test('with variables and the name of one of its operations', async () => {
    const authorization = `Bearer ${admin.token}`
    const page = { extensions: persistedQuery(hashOf(PAGE)), variables: { first: 1 } }
    expect((await post(server.url, page, { authorization })).errors).toEqual([])
    const two = { documentId: `sha256:${hashOf(TWO)}`, operationName: 'Two' }
    expect((await get(server.url, two)).data).toEqual({ two: 'Query' })
  })

  test('within the cost that its variables make', async () => {
    const request = { extensions: persistedQuery(hashOf(PAGE)), variables: { first: 100 } }
    const answer = await post(server.url, request, { authorization: `Bearer ${admin.token}` })
    expectError(answer, 'OPERATION_TOO_LARGE')
    expect(answer.errors[0]?.extensions.limit).toBe('cost')
  })

  test('with what it costs, told to who asks: the same to everybody, and nothing of what is not trusted', async () => {
    const told = async (body: object, headers: Record<string, string>): Promise<unknown> => {
      const sent = { 'content-type': 'application/json', 'graphql-cost': 'report', ...headers }
      const answer = await fetch(`${server.url}/graphql`, { method: 'POST', headers: sent, body: JSON.stringify(body) })
      return ((await answer.json()) as { extensions?: unknown }).extensions
    }
    const page = { documentId: `sha256:${hashOf(PAGE)}`, variables: { first: 3 } }
    for (const [, caller] of callers) {
      expect(await told(page, caller)).toEqual({ cost: { requested: 1 + 3 * (1 + 1 + 3), maximum: 5_000 } })
    }
    expect(await told(page, { authorization: 'Bearer nonsense' })).toBeUndefined()
    expect(await told({ query: ARBITRARY }, {})).toBeUndefined()
  })

  test('as the caller, and not as whoever trusted it', async () => {
    expectError(await post(server.url, { documentId: `sha256:${hashOf(ME)}` }), 'UNAUTHENTICATED', 'MISSING')
  })

  test('by GET where it is a query alone', async () => {
    const variables = { input: { id: 'any', name: 'x' } }
    const answer = await get(server.url, { documentId: `sha256:${hashOf(RENAME)}`, variables })
    expect(answer).toMatchObject({ status: 405, data: undefined })
  })

  test('until it is removed, and again when it is back', async () => {
    const body = 'query Removed { removed: __typename }'
    const request = { documentId: `sha256:${hashOf(body)}` }
    for (let time = 1; time <= 2; time += 1) {
      await keeper.trust(body)
      expect((await post(server.url, request)).data).toEqual({ removed: 'Query' })
      await keeper.forget(body)
      expectRefused(await post(server.url, request))
      expectRefused(await post(server.url, { query: body }))
    }
  })
})
