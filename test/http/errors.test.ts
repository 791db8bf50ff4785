import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ApiError, unauthenticated } from '../../src/errors.ts'
import { answerOf, givenServer, throwables, type Answer, type GivenServer } from './given-server.ts'

const graphqlJson = { accept: 'application/graphql-response+json' }

let server: GivenServer
let production: GivenServer
beforeAll(async () => {
  server = await givenServer()
  production = await givenServer({
    config: { production: true, introspection: false, graphiql: false, sandbox: false },
  })
})
afterAll(() => Promise.all([server.close(), production.close()]))

const ask = async (query: string, variables?: object, headers = {}): Promise<[number, Answer, Response]> => {
  const response = await server.post({ query, variables }, headers)
  return [response.status, await answerOf(response), response]
}

/** Reading these throws, in graphql-js already: they end the whole operation. */
const unreadable = new Set(['getter', 'proxy'])

describe('an internal error', () => {
  for (const kind of Object.keys(throwables)) {
    test(`of a resolver that throws ${kind} is told by its request id alone`, async () => {
      const [status, { data, errors }, response] = await ask(`{ hello thrown(kind: "${kind}") }`)
      const requestId = response.headers.get('x-request-id')
      const extensions = { code: 'INTERNAL_SERVER_ERROR', requestId }
      const line = server.lines().find((entry) => entry.requestId === requestId && entry.msg === 'internal error')
      if (unreadable.has(kind)) {
        expect([status, data, errors]).toEqual([500, null, [{ message: 'Internal server error', extensions }]])
        expect(line).toMatchObject({ level: 50 })
        return
      }
      expect([status, data]).toEqual([200, { hello: 'Hello you', thrown: null }])
      expect(errors).toEqual([{ message: 'Internal server error', path: ['thrown'], extensions }])
      expect(line).toMatchObject({ level: 50, path: 'thrown' })
    })

    test(`of a context that throws ${kind} is told by its request id alone`, async () => {
      const failing = await givenServer({
        createContext: () => {
          throw throwables[kind]?.()
        },
      })
      const response = await failing.post({ query: '{ hello }' })
      const { data, errors } = await answerOf(response)
      await failing.close()
      expect([response.status, data, errors?.length]).toEqual([500, undefined, 1])
      const requestId = response.headers.get('x-request-id')
      expect(errors?.[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', requestId })
      expect(JSON.stringify(errors)).not.toContain('hunter2')
    })
  }

  test('that left no data is a 500', async () => {
    const [status, { data, errors }] = await ask('{ thrownHard(kind: "sql") }')
    expect([status, data, errors?.[0]?.message]).toEqual([500, null, 'Internal server error'])
  })

  test('is logged without the values that its SQL holds', async () => {
    await ask('{ thrown(kind: "sql") }')
    expect(server.logged()).toContain("password = '?'")
    expect(server.logged()).not.toContain("'hunter2'")
  })

  test('of a broken plugin tells no more', async () => {
    const broken = await givenServer({
      plugins: [{ requestDidStart: () => Promise.reject(new Error('hunter2 in /srv/app.ts')) }],
    })
    const response = await broken.post({ query: '{ hello }' })
    const text = await response.text()
    await broken.close()
    expect(response.status).toBe(500)
    expect(text).toContain('INTERNAL_SERVER_ERROR')
    expect(text).not.toContain('hunter2')
  })
})

describe('an error of the API', () => {
  test('passes whole', async () => {
    const [status, { data, errors }] = await ask('{ hello thrown(kind: "FORBIDDEN") }')
    expect([status, data]).toEqual([200, { hello: 'Hello you', thrown: null }])
    const extensions = { code: 'FORBIDDEN', reason: 'SCOPE', required: ['read:x'], missing: ['read:x'] }
    expect(errors).toMatchObject([{ message: 'Not allowed', path: ['thrown'], extensions }])
  })

  const statuses = { UNAUTHENTICATED: 401, EXPIRED: 401, FORBIDDEN: 403, RATE_LIMITED: 429, NOT_FOUND: 200 }
  for (const [kind, expected] of Object.entries(statuses)) {
    test(`that leaves no data tells by its status: ${kind} is ${expected}`, async () => {
      for (const headers of [{}, graphqlJson]) {
        const [status, { data }] = await ask(`{ thrownHard(kind: "${kind}") }`, {}, headers)
        expect([status, data]).toEqual([expected, null])
      }
    })
  }

  test('of the only root field tells by its status where the media type allows it', async () => {
    expect((await ask('{ thrown(kind: "RATE_LIMITED") }'))[0]).toBe(429)
    expect((await ask('{ thrown(kind: "RATE_LIMITED") hello }'))[0]).toBe(200)
    expect((await ask('{ a: thrown(kind: "RATE_LIMITED") b: thrown(kind: "FORBIDDEN") }'))[0]).toBe(200)
    expect((await ask('{ thrown(kind: "NOT_FOUND") }'))[0]).toBe(200)
    // A MUST of GraphQL over HTTP §6.4.2: data that is not null is 2xx.
    expect((await ask('{ thrown(kind: "RATE_LIMITED") }', {}, graphqlJson))[0]).toBe(200)
  })

  test('says how to authenticate, and when to try again', async () => {
    const headerOf = async (kind: string, name: string): Promise<string | null> =>
      (await ask(`{ thrownHard(kind: "${kind}") }`))[2].headers.get(name)
    expect(await headerOf('UNAUTHENTICATED', 'www-authenticate')).toBe('Bearer realm="tenantry"')
    expect(await headerOf('EXPIRED', 'www-authenticate')).toBe('Bearer realm="tenantry", error="invalid_token"')
    expect(await headerOf('RATE_LIMITED', 'retry-after')).toBe('7')
    expect(await headerOf('FORBIDDEN', 'www-authenticate')).toBeNull()
  })

  test('of a context keeps its status, body and request id', async () => {
    const cases: [ApiError, number][] = [
      [unauthenticated('EXPIRED', 'The token has expired'), 401],
      [new ApiError('FORBIDDEN', 'No', { reason: 'SUSPENDED' }), 403],
      [new ApiError('BAD_REQUEST', 'Two credentials'), 400],
      [new ApiError('RATE_LIMITED', 'Too many', { retryAfterSeconds: 3 }), 429],
    ]
    for (const [error, expected] of cases) {
      const refusing = await givenServer({ createContext: () => Promise.reject(error) })
      const response = await refusing.post({ query: '{ hello }' }, { 'x-request-id': 'a-request-id-1' })
      const { data, errors } = await answerOf(response)
      await refusing.close()
      expect([response.status, data]).toEqual([expected, undefined])
      expect(errors).toEqual([{ message: error.message, extensions: error.extensions }])
      expect(response.headers.get('x-request-id')).toBe('a-request-id-1')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('www-authenticate')).toBe(
        expected === 401 ? 'Bearer realm="tenantry", error="invalid_token"' : null,
      )
      expect(response.headers.get('retry-after')).toBe(expected === 429 ? '3' : null)
    }
  })
})

describe('a fault of the request', () => {
  const faults: [string, string, object?][] = [
    ['GRAPHQL_PARSE_FAILED', '{'],
    ['GRAPHQL_VALIDATION_FAILED', '{ nothing }'],
    ['OPERATION_RESOLUTION_FAILURE', 'query A { hello } query B { hello }'],
    ['OPERATION_RESOLUTION_FAILURE', 'subscription { __typename }'],
    ['BAD_USER_INPUT', 'query ($id: ID!) { project(id: $id) { id } }', {}],
  ]
  for (const [code, query, variables] of faults) {
    test(`is ${code}: ${query}`, async () => {
      for (const [headers, expected] of [
        [graphqlJson, 400],
        [{ accept: 'application/json' }, 200],
      ] as const) {
        const [status, { data, errors }] = await ask(query, variables, headers)
        expect([status, data, errors?.map((error) => error.extensions.code)]).toEqual([expected, undefined, [code]])
      }
    })
  }

  test('in variables is told by path and reason, and without the values', async () => {
    const query =
      'query ($input: EchoInput, $list: [Int!], $role: Role) { echo(input: $input, list: $list, role: $role) }'
    const nested = { email: 1, password: 'hunter2', age: 'hunter2; " at "', nested: [{ email: 'e' }] }
    const variables = { input: nested, list: [1, 'hunter2'], role: 'hunter2' }
    const [, { errors }] = await ask(query, variables)
    expect(errors?.map((error) => error.extensions)).toEqual([
      {
        code: 'BAD_USER_INPUT',
        inputs: [{ path: ['input', 'email'], reason: 'String cannot represent a non string value' }],
      },
      {
        code: 'BAD_USER_INPUT',
        inputs: [{ path: ['input', 'age'], reason: 'Int cannot represent non-integer value' }],
      },
      {
        code: 'BAD_USER_INPUT',
        inputs: [
          { path: ['input', 'nested', 0], reason: 'Field "password" of required type "String!" was not provided' },
        ],
      },
      { code: 'BAD_USER_INPUT', inputs: [{ path: ['list', 1], reason: 'Int cannot represent non-integer value' }] },
      { code: 'BAD_USER_INPUT', inputs: [{ path: ['role'], reason: 'value does not exist in "Role" enum' }] },
    ])
    expect(JSON.stringify(errors)).not.toContain('hunter2')
  })

  test('in many variables at once stays an answer of bounded length', async () => {
    const list = Array.from({ length: 5000 }, () => 'x')
    const [, { errors }] = await ask('query ($list: [Int!]) { echo(list: $list) }', { list })
    expect(errors?.length).toBeLessThan(20)
    expect(new Set(errors?.map((error) => error.extensions.code))).toEqual(new Set(['BAD_USER_INPUT']))
  })

  test('that only execution finds is the same', async () => {
    const query = 'query ($text: String = "b") { upper(text: $text) }'
    const [, { errors }] = await ask(query, { text: null })
    expect(errors?.map((error) => error.extensions)).toEqual([
      {
        code: 'BAD_USER_INPUT',
        inputs: [{ path: ['text'], reason: 'of non-null type "String!" must not be null' }],
      },
    ])
  })

  test('with many mistakes stays an answer of bounded length', async () => {
    const [, { errors }] = await ask(`{ ${Array.from({ length: 300 }, (_, i) => `no${i}`).join(' ')} }`)
    expect(errors?.length).toBeLessThan(20)
  })
})

describe('in production', () => {
  test('no message suggests a name of the schema', async () => {
    const queries: [string, object?][] = [
      ['{ helo }'],
      ['{ hello(nam: "x") }'],
      ['{ project(id: 1) }'],
      ['query ($role: Role) { echo(role: $role) }', { role: 'ADMINN' }],
      ['query ($input: EchoInput) { echo(input: $input) }', { input: { emial: 'x' } }],
      ['{ echo(role: ADMINN) }'],
    ]
    for (const [query, variables] of queries) {
      const text = await (await production.post({ query, variables })).text()
      expect(text).not.toContain('Did you mean')
    }
    expect((await ask('{ helo }'))[1].errors?.[0]?.message).toContain('Did you mean "hello"?')
  })

  test('introspection is refused', async () => {
    const { errors } = await answerOf(await production.post({ query: '{ __schema { types { name } } }' }))
    expect(errors?.[0]).toMatchObject({
      message: 'Introspection is disabled on this server',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    })
  })
})

test('an operation that takes too long is answered once, with 503, and learns of it', async () => {
  const learned: boolean[] = []
  const slow = await givenServer({
    config: { limits: { ...(await import('./given-server.ts')).testConfig.limits, timeoutMs: 100 } },
    createContext: (facts) => {
      facts.signal.addEventListener('abort', () => learned.push(true))
      return { facts }
    },
  })
  const response = await slow.post({ query: 'query Slowly { slow(ms: 400) }' })
  expect(response.status).toBe(503)
  expect((await answerOf(response)).errors?.[0]?.extensions).toEqual({ code: 'TIMEOUT' })
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(learned).toEqual([true])
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect((await slow.post({ query: '{ slow(ms: 1) }' })).status).toBe(200)
  const lines = slow.lines().filter((line) => line.operationName === 'Slowly')
  expect(lines).toMatchObject([{ status: 503, level: 40, msg: 'request' }])
  await slow.close()
})
