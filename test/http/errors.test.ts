import { makeExecutableSchema } from '@graphql-tools/schema'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { GraphQLError, GraphQLScalarType } from 'graphql'
import { GraphQLDateTime, GraphQLEmailAddress } from 'graphql-scalars'
import { ApiError, unauthenticated } from '../../src/errors.ts'
import type { RequestFacts } from '../../src/http/request.ts'
import { answerOf, givenServer, throwables, type Answer, type GivenServer } from './given-server.ts'

/** Scalars that tell of a value in sentences of their own. */
const scalarSchema = makeExecutableSchema({
  typeDefs: `
    scalar DateTime
    scalar EmailAddress
    scalar Loose
    scalar Foreign
    type Query { told(datetime: DateTime, emailaddress: EmailAddress, loose: Loose, foreign: Foreign): String }
  `,
  resolvers: {
    DateTime: GraphQLDateTime,
    EmailAddress: GraphQLEmailAddress,
    Loose: scalarOf('Loose', (value) => new GraphQLError(`The value ${value} is not loose enough`)),
    Foreign: scalarOf('Foreign', (value) => new Error(`${value} is foreign`)),
  },
})

function scalarOf(name: string, refuse: (value: string) => Error): GraphQLScalarType {
  const parseValue = (value: unknown): never => {
    throw refuse(String(value))
  }
  return new GraphQLScalarType({ name, parseValue })
}

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
      expect(line).toMatchObject({ level: 50, field: 'thrown' })
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

  test('is logged by the name of its field, and not by what the caller calls it', async () => {
    const [, { errors }] = await ask('{ hunter3: thrown(kind: "plain") }')
    expect(errors?.[0]?.path).toEqual(['hunter3'])
    expect(server.logged()).not.toContain('hunter3')
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
    const extensions = { code: 'FORBIDDEN', reason: 'INSUFFICIENT_SCOPE', required: ['read:x'], missing: ['read:x'] }
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

  test('in a key of a variable is told without the key, where that is no mere word', async () => {
    const query = 'query ($input: EchoInput) { echo(input: $input) }'
    const reasonOf = async (key: string) => {
      const [, { errors }] = await ask(query, { input: { email: 'e', password: 'p', [key]: 1 } })
      return (errors?.[0]?.extensions.inputs as { reason: string }[])[0]?.reason
    }
    expect(await reasonOf('emial')).toBe('Field "emial" is not defined by type "EchoInput"')
    const secrets = ['hunter2', 'tk_test_hunter', 'a" is not defined by type "hunter', 'hunter\nhunter', 'x'.repeat(33)]
    for (const key of secrets) expect(await reasonOf(key)).toBe('a field is not defined by type "EchoInput"')
  })

  test('in a literal is told without the literal', async () => {
    const reasons: Record<string, string> = {
      'echo(list: "hunter2")': 'Int cannot represent non-integer value',
      'echo(list: [{ a: "hunter2" }])': 'Int cannot represent non-integer value',
      'echo(role: hunter2)': 'Value does not exist in "Role" enum',
      'echo(role: "hunter2")': 'Enum "Role" cannot represent non-enum value',
      'echo(role: ADMINhunter2)': 'Value does not exist in "Role" enum',
      'echo(input: "hunter2")': 'Expected value of type "EchoInput"',
      'upper(text: hunter2)': 'String cannot represent a non string value',
      'upper(text: ["hunter2"])': 'String cannot represent a non string value',
      'echo(input: { email: "e", password: "p", hunter2: "hunter2" })': 'A field is not defined by type "EchoInput"',
      'echo(input: { emial: "e", password: "p", email: "e" })': 'Field "emial" is not defined by type "EchoInput"',
      'slow(ms: 1.2345)': 'Int cannot represent non-integer value',
      'slow(ms: "found: hunter2")': 'Int cannot represent non-integer value',
    }
    for (const [field, message] of Object.entries(reasons)) {
      const [, { errors }] = await ask(`{ ${field} }`)
      const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' }
      expect(errors).toEqual([{ message, locations: [expect.anything()], extensions }])
    }
  })

  test('in the text of a document is told by its place, and without the text', async () => {
    const documents = [
      '{ upper(text "hunter2") }',
      '{ upper(text: "a"hunter2: "b") hunter2 hunter2: }',
      '{ upper(text: """hunter2""" """hunter2""") }',
      '{ slow(ms: 1 77777) }',
      '{ upper(text: "\\u{hunter2}") }',
      '{ upper(text: "hunter2',
      'hunter2 { hello }',
    ]
    for (const query of documents) {
      const [, { errors }] = await ask(query)
      expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_PARSE_FAILED' } }])
      expect(errors?.[0]).toHaveProperty('locations')
      expect(JSON.stringify(errors)).not.toMatch(/hunter|77777/)
    }
    expect((await ask('{ upper(text "hunter2") }'))[1].errors?.[0]?.message).toBe(
      'Syntax Error: Expected ":", found String.',
    )
  })

  test('in the name of an operation is told without the name', async () => {
    const response = await server.post({ query: 'query A { hello }', operationName: 'hunter2' })
    const { errors } = await answerOf(response)
    expect(errors).toMatchObject([
      { message: 'Unknown operation name.', extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } },
    ])
  })

  test('in a literal that holds a variable is told without the literal', async () => {
    const query = 'query ($email: String = "e") { echo(input: { email: $email, password: "hunter2" }) }'
    const [, { errors }] = await ask(query, { email: null })
    expect(errors?.map((error) => error.extensions)).toEqual([
      { code: 'BAD_USER_INPUT', inputs: [{ path: ['input'], reason: 'has an invalid value' }] },
    ])
    expect(JSON.stringify(errors)).not.toContain('hunter2')
  })

  test('in a scalar of another library is told without the value', async () => {
    const scalars = await givenServer({ schema: scalarSchema })
    const telling = async (type: string, value: unknown) => {
      const query = `query ($value: ${type}) { told(${type.toLowerCase()}: $value) }`
      const { errors } = await answerOf(await scalars.post({ query, variables: { value } }))
      expect(JSON.stringify(errors)).not.toContain('hunter2')
      return (errors?.[0]?.extensions.inputs as { reason: string }[])[0]?.reason
    }
    const noTime = 'DateTime cannot represent an invalid date-time-string'
    expect(await telling('DateTime', 'hunter2')).toBe(noTime)
    expect(await telling('DateTime', '2099-01-01T00:00:00Z hunter2: x')).toBe(noTime)
    expect(await telling('DateTime', { hunter2: 1 })).toBe('DateTime cannot represent non string or Date type')
    expect(await telling('EmailAddress', 'hunter2')).toBe('Value is not a valid email address')
    expect(await telling('EmailAddress', ['hunter2'])).toBe('Value is not string')
    expect(await telling('Loose', 'hunter2')).toBe('is not accepted')
    expect(await telling('Foreign', 'hunter2')).toBe('Expected type "Foreign"')
    const literal = await scalars.post({ query: '{ a: told(loose: "hunter2") b: told(datetime: hunter2) }' })
    expect((await answerOf(literal)).errors?.map(({ message }) => message)).toEqual([
      'A value is not accepted',
      'DateTime cannot represent non string or Date type',
    ])
    await scalars.close()
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
  const asked: RequestFacts[] = []
  const slow = await givenServer({
    config: { limits: { ...(await import('./given-server.ts')).testConfig.limits, timeoutMs: 100 } },
    createContext: (facts) => {
      asked.push(facts)
      return { facts }
    },
  })
  const response = await slow.post({ query: 'query Slowly { slow(ms: 400) }' })
  expect(response.status).toBe(503)
  expect((await answerOf(response)).errors?.[0]?.extensions).toEqual({ code: 'TIMEOUT' })
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(asked.map(({ deadline }) => deadline.aborted)).toEqual([true])
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect((await slow.post({ query: '{ slow(ms: 1) }' })).status).toBe(200)
  expect(asked[1]?.deadline.aborted).toBe(false)
  const lines = slow.lines().filter((line) => line.operationName === 'Slowly')
  expect(lines).toMatchObject([{ status: 503, level: 40, msg: 'request' }])
  await slow.close()
})
