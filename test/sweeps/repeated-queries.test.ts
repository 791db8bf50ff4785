import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asyncProperty } from 'fast-check'
import { choicesFrom, tape, type Choices } from '../choices.ts'
import { ownerOf } from '../database/given-database.ts'
import { startServer, type TestServer } from '../harness.ts'
import { property } from '../property.ts'
import { randomOperation, type ValueFor } from './random-operation.ts'
import { randomTenant, type Caller, type RandomTenant } from './random-tenants.ts'

// The second time a query is asked, it is executed as it was prepared: nobody may be able to tell.
const TIMES = 3

let server: TestServer
let tenant: RandomTenant
let end: () => Promise<void>
beforeAll(async () => {
  server = await startServer({ settings: { MAX_COST: '1000000', MAX_TOKENS: '10000', MAX_ALIASES: '100' } })
  const owner = await ownerOf(server.app.services.database, server.databaseUrl)
  end = owner.end
  tenant = await randomTenant(choicesFrom(new Uint8Array([2, 2, 2, 2])), server, { asOwner: owner.run })
})
afterAll(async () => {
  await end?.()
  await server?.close()
})

/** The answers to a query that is asked again and again, without what differs each time anyway. */
async function answersTo(query: string, { token, headers }: Pick<Caller, 'token' | 'headers'>, variables = {}) {
  const answers: string[] = []
  for (let time = 0; time < TIMES; time += 1) {
    const { status, data, errors } = await server.send(query, { token, headers, variables })
    const text = JSON.stringify({ status, data, errors })
    answers.push(text.replace(/("requestId":|"lastUsedAt":)"[^"]*"/g, '$1""'))
  }
  return answers
}

const same = (answers: readonly string[]) => answers.map(() => answers[0])

function valuesFrom(c: Choices): ValueFor {
  const types: Record<string, (name: string) => unknown> = {
    ID: () => (c.chance(20) ? randomUUID() : c.of(tenant.ids)),
    Boolean: () => c.chance(50),
    Int: () => c.of([1, 2, 10, 101, -1]),
    DateTime: () => c.of(['2099-01-01T00:00:00Z', '2020-01-01T00:00:00Z']),
    Scope: () => c.of(['read:projects', 'read:*', '*:*']),
  }
  return (type, name) => {
    if (name === 'after' || name === 'before') return c.of(['no cursor', ...tenant.cursors])
    return (types[type] ?? (() => c.of(['project', '%', ''])))(name)
  }
}

property('a query is answered the next time as it was the first time', 60, () =>
  asyncProperty(tape(120), async (bytes) => {
    const c = choicesFrom(bytes)
    const caller = c.of(tenant.callers)
    const { kind, query, variables } = randomOperation(c, valuesFrom(c), ['platform'])
    if (kind !== 'query') return
    const answers = await answersTo(query, caller, variables)
    expect({ query, variables, answers }).toEqual({ query, variables, answers: same(answers) })
  }),
)

test.each([
  ['aliases', '{ a: projects { n: nodes { x: name, y: name, __typename } } b: me { mail: email } }', {}],
  [
    'fragments',
    '{ ...q } fragment q on Query { projects { ...c ... on ProjectConnection { totalCount } } } fragment c on ProjectConnection { edges { cursor node { ... on Node { id } } } }',
    {},
  ],
  [
    'what is left out',
    'query ($no: Boolean!) { me { id @skip(if: $no) email @include(if: $no) } projects @skip(if: $no) { totalCount } }',
    { no: true },
  ],
  [
    'what is not left out',
    'query ($no: Boolean!) { me { id @skip(if: $no) email @include(if: $no) } projects @skip(if: $no) { totalCount } }',
    { no: false },
  ],
  [
    'a default',
    'query ($first: Int = 1) { projects(first: $first) { nodes { name gateways(first: $first) { nodes { name } } } } }',
    {},
  ],
  [
    'null in place of a default',
    'query ($first: Int = 1) { projects(first: $first) { nodes { name } } }',
    { first: null },
  ],
  [
    'a variable of the wrong type',
    'query ($first: Int) { projects(first: $first) { nodes { name } } }',
    { first: 'one' },
  ],
  ['a variable that is missing', 'query ($id: ID!) { project(id: $id) { name } }', {}],
  ['a page that is none', '{ me { id } projects(first: 1000) { nodes { name } } }', {}],
  ['a page below that is none', '{ projects { nodes { name gateways(after: "x") { nodes { id } } } } }', {}],
  ['nothing', `{ project(id: "${randomUUID()}") { name gateways { nodes { id } } } }`, {}],
  ['the name of a prototype', '{ __proto__: me { id } }', {}],
  ['the name of a constructor', '{ constructor: me { toString: email } }', {}],
  ['the schema', '{ __schema { queryType { name } } me { id } }', {}],
  ['several operations', 'query A { me { id } } query B { projects { totalCount } }', {}],
] as const)('%s: asked again, it is answered alike, whoever asks', async (_, query, variables) => {
  for (const caller of tenant.callers) {
    const answers = await answersTo(query, caller, variables)
    expect({ caller: caller.name, answers }).toEqual({ caller: caller.name, answers: same(answers) })
    expect(answers.join()).not.toContain('INTERNAL_SERVER_ERROR')
  }
})

test('what one may see is not shown to the next one by what was prepared', async () => {
  const query = '{ projects { nodes { name } } apiKeys { nodes { name } } }'
  const [admin, , viewer] = tenant.callers
  const before = await answersTo(query, admin!)
  const denied = await answersTo(query, viewer!)
  const anonymous = await answersTo(query, { token: null, headers: {} })
  expect(before[2]).toContain('"errors":[]')
  expect(denied[2]).toContain('"apiKeys":null')
  expect(denied[2]).toContain('FORBIDDEN')
  expect(anonymous[2]).toContain('UNAUTHENTICATED')
  expect([same(before), same(denied), same(anonymous)]).toEqual([before, denied, anonymous])
})
