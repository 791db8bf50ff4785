import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getIntrospectionQuery, parse } from 'graphql'
import { operationSizes } from '../../src/http/limits.ts'
import { answerOf, givenServer, type GivenServer } from './given-server.ts'

let server: GivenServer
beforeAll(async () => {
  server = await givenServer()
})
afterAll(() => server.close())

async function expectRefusal(body: unknown, limit: string, headers = {}): Promise<Record<string, unknown>> {
  const response = await server.post(body, headers)
  const { data, errors } = await answerOf(response)
  expect(data).toBeUndefined()
  expect(errors?.map((error) => error.extensions.code)).toEqual(['OPERATION_TOO_LARGE'])
  expect(errors?.[0]?.extensions.limit).toBe(limit)
  expect(response.status).toBe(400)
  return errors?.[0]?.extensions ?? {}
}

const nested = (depth: number, leaf = 'id'): string =>
  `{ project(id: 1) { ${'parent { '.repeat(depth - 2)}${leaf}${' }'.repeat(depth - 2)} } }`

/** Fragments each of which spreads the next twice: 2^n fields, in text that grows with n. */
function bomb(levels: number, spread: (next: string) => string, last: string): string {
  const fragments = Array.from({ length: levels }, (_, level) => {
    const next = level === levels - 1 ? last : spread(`F${level + 1}`)
    return `fragment F${level} on Project { ${next} }`
  })
  return `{ project(id: 1) { ...F0 } } ${fragments.join(' ')}`
}

describe('an operation is refused', () => {
  test('for its tokens', async () => {
    const told = await expectRefusal({ query: `{ hello ${'__typename '.repeat(1000)} }` }, 'tokens')
    expect(told).toMatchObject({ maximum: 1000, actual: 1001 })
  })

  test('for its depth, one level above what is allowed', async () => {
    expect((await server.post({ query: nested(12) })).status).toBe(200)
    const told = await expectRefusal({ query: nested(13) }, 'depth')
    expect(told).toMatchObject({ maximum: 12, actual: 13 })
  })

  test('for the depth that its fragments hide', async () => {
    const query = `{ project(id: 1) { ...A } }
      fragment A on Project { parent { parent { parent { parent { ...B } } } } }
      fragment B on Project { ... on Node { ... on Project { parent { parent { parent { parent { parent { parent { parent { id } } } } } } } } } }`
    await expectRefusal({ query }, 'depth')
  })

  test('for aliases, of __typename too', async () => {
    const aliases = (count: number, field: string): string =>
      `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`
    await expectRefusal({ query: `{ project(id: 1) ${aliases(16, '__typename')} }` }, 'aliases')
    expect((await server.post({ query: `{ project(id: 1) ${aliases(15, 'id')} }` })).status).toBe(200)
  })

  test('for aliases that fragments multiply', async () => {
    const spreads = Array.from({ length: 4 }, (_, i) => `p${i}: parent { ...A }`).join(' ')
    const query = `{ project(id: 1) { ${spreads} } } fragment A on Project { a: id b: id c: id }`
    expect(await expectRefusal({ query }, 'aliases')).toMatchObject({ actual: 16 })
  })

  test('for root fields, in fragments too', async () => {
    const names = 'hello upper secret facts owner { __typename } project(id: 1) { id } projects { totalCount }'
    const query = `{ ...A ...B } fragment A on Query { ${names} } fragment B on Query { hello upper secret __typename }`
    expect(await expectRefusal({ query }, 'rootFields')).toMatchObject({ maximum: 10, actual: 11 })
  })

  test('for directives, on fields and fragments, in fragments too', async () => {
    const switches = Array.from({ length: 24 }, () => '... @include(if: true) { id @skip(if: false) }').join(' ')
    const of = (spread: string) =>
      `{ project(id: 1) @skip(if: false) { ...F ${spread} } } fragment F on Project { ${switches} }`
    expect((await server.post({ query: of('@include(if: true)') })).status).toBe(200)
    const told = await expectRefusal({ query: of('@include(if: true) @skip(if: false)') }, 'directives')
    expect(told).toMatchObject({ maximum: 50, actual: 51 })
  })

  test('for a cost that literals tell', async () => {
    const query = '{ projects(first: 100) { nodes { children(first: 100) { nodes { id } } } } }'
    await expectRefusal({ query }, 'cost')
  })

  test('for a cost that variables tell, and not for other values of them', async () => {
    const query = 'query Page($n: Int = 10) { projects(first: $n) { nodes { children(first: $n) { nodes { id } } } } }'
    expect((await server.post({ query })).status).toBe(200)
    expect((await server.post({ query, variables: { n: 20 } })).status).toBe(200)
    await expectRefusal({ query, variables: { n: 100 } }, 'cost')
    expect((await server.post({ query })).status).toBe(200)
  })

  test('whatever media type the client wants', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      await expectRefusal({ query: nested(13) }, 'depth', { accept })
      await expectRefusal({ query: '{ projects(first: 9999) { nodes { id } } }' }, 'cost', { accept })
      await expectRefusal({ query: `{${' hello'.repeat(1100)} }` }, 'tokens', { accept })
    }
  })
})

describe('an attack by fragments', () => {
  test('that double at each level is refused at once', async () => {
    const began = performance.now()
    await expectRefusal({ query: bomb(60, (next) => `...${next} parent { ...${next} }`, 'id') }, 'depth')
    const wide = bomb(60, (next) => `...${next} ... on Project { ...${next} }`, 'parent { id }')
    await expectRefusal({ query: wide }, 'cost')
    const aliased = bomb(60, (next) => `...${next} ... on Project { ...${next} }`, 'a: id')
    expect(await expectRefusal({ query: aliased }, 'aliases')).toMatchObject({ actual: Number.MAX_SAFE_INTEGER })
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('in a cycle is told as what it is', async () => {
    const query = '{ project(id: 1) { ...A } } fragment A on Project { parent { ...B } } fragment B on Project { ...A }'
    const response = await server.post({ query }, { accept: 'application/graphql-response+json' })
    expect(response.status).toBe(400)
    expect((await answerOf(response)).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
  })

  test('with names of the prototype is no operation like any other', () => {
    const document = parse('{ ...constructor ...__proto__ ...toString }')
    expect(operationSizes(document)).toEqual([
      { depth: 0, introspectionDepth: 0, aliases: 0, rootFields: 0, directives: 0 },
    ])
  })
})

describe('introspection', () => {
  test('by ordinary tools is served', async () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
      oneOf: true,
      schemaDescription: true,
      specifiedByUrl: true,
    })
    const response = await server.post({ query, operationName: 'IntrospectionQuery' })
    const { data, errors } = await answerOf(response)
    expect(errors).toBeUndefined()
    expect(data).toHaveProperty('__schema')
  })

  test('has a depth of its own', async () => {
    const query = `{ __type(name: "Query") { ${'ofType { '.repeat(20)} name ${'}'.repeat(20)} } }`
    await expectRefusal({ query }, 'introspectionDepth')
  })

  test('does not lend its depth to other fields', async () => {
    const query = `{ __schema { types { name } } ${nested(13).slice(1)}`
    await expectRefusal({ query }, 'depth')
  })

  test('of lists within lists is refused', async () => {
    const query = '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }'
    const { errors } = await answerOf(await server.post({ query }))
    expect(errors?.[0]?.message).toBe('Maximum introspection depth exceeded')
  })
})

test('documents made at random never make the server fail', async () => {
  const next = pseudoRandom(20_251_122)
  const pieces = [
    '{', '}', '(', ')', '[', ']', ':', '...', '$n', '!', '=', '|', '@include(if: true)', '"', '"""', '#', '\\u0000',
    'query', 'mutation', 'subscription', 'fragment', 'on', 'Project', 'Query', 'projects', 'nodes', 'node', 'edges',
    'first:', 'last:', '-1', '99999999999999999999', '1e999', '0.5', 'null', 'true', '__typename', '__schema', '__type',
    'hello', 'project(id: 1)', 'parent', '...A', 'fragment A on Project { parent { ...A } }', '\u{1F3C3}', '\ud800',
  ] // prettier-ignore
  const values = [null, -1, 1e308, 'x', [], {}, [[[[1]]]], true, { first: { first: {} } }, '\u0000', '\ud800']
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  for (let round = 0; round < 400; round += 1) {
    const query = Array.from({ length: 1 + Math.floor(next() * 40) }, () => pick(pieces)).join(' ')
    const response = await server.post({ query, variables: { n: pick(values) }, operationName: pick([null, 'A', '']) })
    expect({ query, status: response.status < 500 }).toEqual({ query, status: true })
    expect((await answerOf(response)).errors?.map((error) => error.extensions.code)).not.toContain(
      'INTERNAL_SERVER_ERROR',
    )
  }
}, 180_000)

test('variables of every shape for every type never make the server fail', async () => {
  const values: unknown[] = [
    null,
    -1,
    2 ** 40,
    1.5,
    'x',
    '',
    [],
    [[1]],
    {},
    { a: 1 },
    true,
    '\u0000',
    '\ud800',
    'x'.repeat(9999),
  ]
  const types = ['Int', 'Int!', 'String', 'String!', '[Int!]', 'EchoInput', 'EchoInput!', 'Role', 'ID', 'Boolean']
  const field = (type: string): string => {
    if (type.startsWith('[')) return 'echo(list: $v)'
    if (type.startsWith('EchoInput')) return 'echo(input: $v)'
    if (type === 'Role') return 'echo(role: $v)'
    if (type.startsWith('Int')) return 'projects(first: $v) { totalCount }'
    return type.startsWith('String') ? 'hello(name: $v)' : '__typename'
  }
  for (const type of types) {
    for (const v of values) {
      const response = await server.post({ query: `query ($v: ${type}) { ${field(type)} }`, variables: { v } })
      const codes = (await answerOf(response)).errors?.map((error) => error.extensions.code) ?? []
      for (const code of codes) expect(['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED']).toContain(code)
    }
  }
})

function pseudoRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
