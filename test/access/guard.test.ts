import { expect, test } from '@jest/globals'
import { execute, getOperationAST, graphql, isInterfaceType, Kind, parse, type DocumentNode } from 'graphql'
import { guardSchema, handVariables, isPartlyDenied } from '../../src/access/guard.ts'
import { bare, contextOf, policyOf, told } from './fixture.ts'

const sdl = `
  type Query { open: String @public  secret: String @auth  node: Node @public  find(filter: Filter): String @public }
  interface Node { id: ID }
  type A implements Node { id: ID }
  type B implements Node @auth { id: ID }
  interface Other { id: ID }
  type C implements Other { id: ID }
  extend type Query { other: Other @public }
  input Filter { size: Int = 3 @auth }
`

const operationOf = (document: DocumentNode) => getOperationAST(document)!

test.each([undefined, null, {}, { principal: null }, { principal: {} }, 7])(
  'a context that is none has nobody signed in: %j',
  async (contextValue) => {
    const policy = policyOf(sdl, { Query: { secret: () => 's', find: () => 'f' } })
    const schema = guardSchema(policy.schema, policy)
    const result = await graphql({ schema, source: '{ open secret find(filter: { size: 1 }) }', contextValue })
    expect(told(result)).toEqual(['secret: UNAUTHENTICATED', 'find: UNAUTHENTICATED'])
  },
)

test('an object that does not say what it is is told as graphql-js tells it', async () => {
  const result = await bare(sdl, { Query: { node: () => ({ id: '1' }) } })('{ node { id } }', { as: 'admin' })
  expect(result.errors?.[0]?.message).toMatch(/^Abstract type "Node" must resolve to an Object type/)
})

test('an operation is partly denied whose variables were handed over, in its own context', () => {
  const [document, other] = [parse('{ open }'), parse('{ secret }')]
  const [operation, another] = [operationOf(document), operationOf(other)]
  const context = {}
  expect(isPartlyDenied(context, operation)).toBe(false)
  handVariables(context, operation, undefined)
  handVariables(context, another, { a: 1 })
  expect([isPartlyDenied(context, operation), isPartlyDenied(context, another)]).toEqual([true, true])
  expect(isPartlyDenied({}, operation)).toBe(false)
  expect(isPartlyDenied(context, operationOf(parse('{ open }')))).toBe(false)
})

test('only what is guarded is wrapped, and nothing becomes asynchronous', () => {
  const policy = policyOf(sdl, { Query: { open: () => 'o', secret: () => 's' } })
  const open = policy.schema.getQueryType()?.getFields().open?.resolve
  const schema = guardSchema(policy.schema, policy)
  expect(schema.getQueryType()?.getFields().open?.resolve).toBe(open)
  expect(schema.getQueryType()?.getFields().node?.resolve).toBeUndefined()
  const other = schema.getType('Other')
  expect(isInterfaceType(other) && other.resolveType).toBeFalsy()
  const result = execute({ schema, document: parse('{ open secret }'), contextValue: contextOf('viewer') })
  expect(result).toEqual({ data: { open: 'o', secret: 's' } })
})

test('a guarded field without a resolver of its own still resolves from its object', async () => {
  const ask = bare('type Query { thing: Thing @public } type Thing { name: String @auth }', {
    Query: { thing: () => ({ name: () => 'n' }) },
  })
  expect((await ask('{ thing { name } }', { as: 'viewer' })).data).toEqual({ thing: { name: 'n' } })
  expect((await ask('{ thing { name } }')).data).toEqual({ thing: { name: null } })
})

test('the principal is read when the field runs, not when the operation began', async () => {
  const context = contextOf('anonymous') as { principal: unknown }
  const policy = policyOf(sdl, {
    Query: { open: () => ((context.principal = contextOf('viewer').principal), 'o'), secret: () => 's' },
  })
  const schema = guardSchema(policy.schema, policy)
  const result = await graphql({ schema, source: '{ open secret }', contextValue: context })
  expect(result.data).toEqual({ open: 'o', secret: 's' })
})

test('an object whose type is not known is an error of its own', async () => {
  for (const node of [{ id: '1' }, { __typename: 'Nothing' }, { __typename: 'Query' }]) {
    const result = await bare(sdl, { Query: { node: () => node } })('{ node { id } }')
    expect(result.data).toEqual({ node: null })
    expect(result.errors).toHaveLength(1)
  }
})

test('a type that is known late and is no type is an error of its own', async () => {
  const resolvers = { Query: { node: () => ({ id: '1' }) }, Node: { __resolveType: async () => undefined } }
  const result = await bare(sdl, resolvers as never)('{ node { id } }')
  expect([result.data, result.errors?.length]).toEqual([{ node: null }, 1])
})

test('a schema that the policy was not made for is not guarded by it', () => {
  const policy = policyOf(sdl)
  const other = policyOf(`${sdl} extend type Query { more: String @auth }`)
  expect(() => guardSchema(other.schema, policy)).toThrow('Query.more: the policy was made for another schema')
})

test('variables as they came can only add to what is refused', async () => {
  const policy = policyOf(sdl, { Query: { find: () => 'f' } })
  const schema = guardSchema(policy.schema, policy)
  const document = parse('query ($f: Filter) { find(filter: $f) }')
  const run = async (supplied: number, handed: unknown) => {
    const contextValue = contextOf('anonymous')
    const [operation] = document.definitions
    if (operation?.kind === Kind.OPERATION_DEFINITION && handed !== null) {
      handVariables(contextValue, operation, { f: handed })
    }
    const variableValues = { f: { size: supplied } }
    return told(await execute({ schema, document, contextValue, variableValues }))
  }
  expect(await run(3, null)).toEqual([])
  expect(await run(3, { size: 3 })).toEqual(['find: UNAUTHENTICATED'])
  expect(await run(4, {})).toEqual(['find: UNAUTHENTICATED'])
})
