import { expect, test } from '@jest/globals'
import { buildASTSchema, parse } from 'graphql'
import { createPolicy } from '../../src/access/policy.ts'
import { accessSdl, policyOf, registry } from './fixture.ts'

// Some mistakes are also against the directive's own definition: here the definitions are as wide as they can be.
const everywhere = `SCHEMA | SCALAR | OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | INTERFACE | UNION | ENUM | ENUM_VALUE
  | INPUT_OBJECT | INPUT_FIELD_DEFINITION`
const wide = `
  directive @public on ${everywhere}
  directive @auth(kinds: [PrincipalKind], kind: PrincipalKind) repeatable on ${everywhere}
  directive @role(atLeast: [Role]) repeatable on ${everywhere}
  directive @scope(requires: [Scope], anyOf: [Scope]) repeatable on ${everywhere}
  scalar Scope
  enum PrincipalKind { USER OPERATOR API_KEY EXTERNAL }
  enum Role { VIEWER DEVELOPER ADMIN }
`

/** The mistakes that the start-up check names, without its heading. */
function mistakesOf(sdl: string): string[] {
  const schema = buildASTSchema(parse(wide + sdl), { assumeValidSDL: true })
  try {
    createPolicy(schema, registry)
    return []
  } catch (error) {
    return (error as Error).message.split('\n').slice(1)
  }
}

const ok = 'type Query { ok: Int @public }'

test('a schema that says everything starts', () => {
  expect(mistakesOf(ok)).toEqual([])
})

test.each([
  ['Query.x', 'type Query { x: Int }'],
  ['Query.x', 'type Query @auth { x: Int }'],
  ['Query.x', `${ok} extend type Query { x: Int }`],
  ['Query.x', 'type A @auth { a: Int } type Query { x: A }'],
  ['Mutation.x', `${ok} type Mutation { x: Int }`],
  ['Root.x', 'schema { query: Root } type Root { x: Int }'],
])('a root field that says nothing is refused: %s in %s', (coordinate, sdl) => {
  expect(mistakesOf(sdl)).toEqual([`${coordinate}: says nothing of access: give it @public, @auth, @role or @scope`])
})

test.each([
  ['schema: @auth is not enforced here', `schema @auth { query: Query } ${ok}`],
  ['schema: @auth is not enforced here', `schema { query: Query } extend schema @auth ${ok}`],
  ['S: @scope is not enforced here', 'scalar S @scope(requires: "read:projects") type Query { x: S @public }'],
  ['S: @auth is not enforced here', 'scalar S extend scalar S @auth type Query { x: S @public }'],
  ['E: @auth is not enforced here', 'enum E @auth { A } type Query { x: E @public }'],
  ['E.A: @role is not enforced here', 'enum E { A @role(atLeast: ADMIN) } type Query { x: E @public }'],
  ['U: @auth is not enforced here', 'type A { a: Int } union U @auth = A type Query { x: U @public }'],
  ['I: @auth is not enforced here', 'input I @auth { a: Int } type Query { x(i: I): Int @public }'],
  ['I: @public is not enforced here', 'input I { a: Int } extend input I @public type Query { x(i: I): Int @public }'],
  ['@d(a:): @auth is not enforced here', `directive @d(a: Int @auth) on FIELD ${ok}`],
  ['A: @auth is not enforced: no operation reaches A', `type A @auth { a: Int } ${ok}`],
  ['A.a: @auth is not enforced: no operation reaches A', `type A { a: Int @auth } ${ok}`],
  ['A.a(b:): @auth is not enforced: no operation reaches A', `type A { a(b: Int @auth): Int } ${ok}`],
  [
    'N: @auth is not enforced: no operation reaches N',
    `interface N @auth { a: Int } type A implements N { a: Int } ${ok}`,
  ],
  ['I.a: @auth is not enforced: no operation reaches I', `input I { a: Int @auth } ${ok}`],
  [
    'I.a: is not enforced in the arguments of @d',
    `input I { a: Int @auth } directive @d(i: I) on FIELD
    type Query { x(i: I): Int @public }`,
  ],
  [
    'N: @public is for object types and their fields',
    `interface N @public { a: Int } type A implements N { a: Int }
    type Query { x: N @public }`,
  ],
  ['Query.x(a:): @public is for object types and their fields', 'type Query { x(a: Int @public): Int @public }'],
  [
    'I.a: @public is for object types and their fields',
    'input I { a: Int @public } type Query { x(i: I): Int @public }',
  ],
])('a directive where it is not enforced is refused: %s', (mistake, sdl) => {
  expect(mistakesOf(sdl)).toEqual([mistake])
})

test.each([
  ['Query.x: @public contradicts @auth', 'type Query { x: Int @public @auth }'],
  [
    'A: @public contradicts @scope',
    'type A @public { a: Int } extend type A @scope(requires: "read:projects") type Query { x: A @public }',
  ],
  ['Query.x: @public contradicts @auth, @role', 'type Query { x: Int @public @auth @role(atLeast: ADMIN) }'],
  ['Query.x: @auth: unknown kind ROBOT', 'type Query { x: Int @auth(kinds: [USER, ROBOT]) }'],
  ['Query.x: @auth: kinds is empty', 'type Query { x: Int @auth(kinds: []) }'],
  ['Query.x: @auth: kinds holds what is not a name', 'type Query { x: Int @auth(kinds: [null]) }'],
  ['Query.x: @auth: unknown argument kind', 'type Query { x: Int @auth(kind: OPERATOR) }'],
  ['Query.x: @role: unknown role OWNER', 'type Query { x: Int @role(atLeast: OWNER) }'],
  ['Query.x: @role: atLeast must name one role', 'type Query { x: Int @role }'],
  ['Query.x: @role: atLeast must name one role', 'type Query { x: Int @role(atLeast: [VIEWER, ADMIN]) }'],
  ['Query.x: @scope: neither requires nor anyOf is given', 'type Query { x: Int @scope }'],
  ['Query.x: @scope: neither requires nor anyOf is given', 'type Query { x: Int @scope(requires: null) }'],
  ['Query.x: @scope: requires is empty', 'type Query { x: Int @scope(requires: []) }'],
  ['Query.x: @scope: anyOf is empty', 'type Query { x: Int @scope(requires: "read:projects", anyOf: []) }'],
  ['Query.x: @scope: requires holds what is not a name', 'type Query { x: Int @scope(requires: 7) }'],
  ['Query.x: @scope: unknown scope read:planets', 'type Query { x: Int @scope(requires: "read:planets") }'],
  ['Query.x: @scope: unknown scope Read:projects', 'type Query { x: Int @scope(requires: "Read:projects") }'],
  ['Query.x: @scope: unknown scope read:*x', 'type Query { x: Int @scope(requires: "read:*x") }'],
  ['Query.x: @scope: wildcard in a requirement: read:*', 'type Query { x: Int @scope(requires: "read:*") }'],
  ['Query.x: @scope: wildcard in a requirement: *:*', 'type Query { x: Int @scope(anyOf: ["read:projects", "*:*"]) }'],
  [
    'Query.x: @scope: unknown scope read:b',
    'type Query { x: Int @scope(requires: "read:projects") @scope(requires: "read:b") }',
  ],
  [
    'A: @scope: unknown scope read:b',
    'type A { a: Int } extend type A @scope(requires: "read:b") type Query { x: A @public }',
  ],
  ['Query.x(a:): @scope: unknown scope read:b', 'type Query { x(a: Int @scope(requires: "read:b")): Int @public }'],
  [
    'I.a: @scope: unknown scope read:b',
    'input I { a: Int @scope(requires: "read:b") } type Query { x(i: I): Int @public }',
  ],
  [
    'N.a: @scope: unknown scope read:b',
    `interface N { a: Int @scope(requires: "read:b") } type A implements N { a: Int }
    type Query { x: N @public }`,
  ],
])('a rule that cannot hold is refused: %s', (mistake, sdl) => {
  expect(mistakesOf(sdl)).toEqual([mistake])
})

test('what only a union, or the argument of a directive, leads to may have rules where they are enforced', () => {
  const union = 'union U = A | B  type A @auth { a: Int }  type B { b: Int @auth }  type Query { x: U @public }'
  expect(mistakesOf(union)).toEqual([])
  const directive = 'input I { a: Int  j: J } input J { b: Int } directive @d(i: I) on FIELD'
  expect(mistakesOf(`${directive} ${ok}`)).toEqual([])
})

test('there are no subscriptions', () => {
  expect(mistakesOf(`${ok} type Subscription { x: Int @auth }`)).toContain(
    'Subscription: access to subscriptions is not enforced, so there may be none',
  )
})

test('a sign-in is returned by the mutation root alone', () => {
  const payload = 'type AuthPayload @public { token: String }'
  expect(mistakesOf(`${payload} type Query { x: AuthPayload @public }`)).toEqual([
    'Query.x: only a field of the mutation root may return a sign-in',
  ])
  expect(mistakesOf(`${payload} ${ok} type Mutation { login: AuthPayload! @public }`)).toEqual([])
})

test('all mistakes are named at once', () => {
  const sdl = `type Query { a: Int  b: B @role(atLeast: OWNER) @scope(requires: [])  c: Int @public @auth }
    type B { b: Int @scope(anyOf: "write:everything") }  enum E @auth { A }`
  expect(mistakesOf(sdl)).toEqual([
    'Query.a: says nothing of access: give it @public, @auth, @role or @scope',
    'Query.b: @role: unknown role OWNER',
    'Query.b: @scope: requires is empty',
    'Query.c: @public contradicts @auth',
    'B.b: @scope: unknown scope write:everything',
    'E: @auth is not enforced here',
  ])
})

test('rules of an interface are in force where only an implementer is reached', () => {
  const sdl = 'interface N @auth { a: Int } type A implements N { a: Int } type Query { x: A @public }'
  expect(mistakesOf(sdl)).toEqual([])
  expect(policyOf(sdl).fields.get('A.a')?.requirement.authenticated).toBe(true)
})

test('the language as it is served allows all that the check allows', () => {
  expect(() => policyOf(ok)).not.toThrow()
  expect(accessSdl).toContain('directive @scope')
})
