import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { v7 } from 'uuid'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { insertGateways, insertProjects, statementsOf } from './rows.ts'

let server: TestServer
let person: Person
const projects = Array.from({ length: 3 }, (_, n) => ({ id: v7(), name: `p${n}` }))
beforeAll(async () => {
  server = await startServer()
  person = await givenPerson(server)
  await insertProjects(server, person.organizationId, projects)
  for (const { id } of projects) {
    await insertGateways(
      server,
      person.organizationId,
      id,
      [0, 1].map((n) => ({ id: v7(), name: `g${n}` })),
    )
  }
})
afterAll(async () => server.close())

const SELECTION = '{ totalCount pageInfo { hasNextPage } edges { cursor node { id } } }'
/** Every connection of the contract that a tenant's ADMIN reads, with each order that it has. */
const orders = ['CREATED_AT', 'NAME'].flatMap((field) =>
  ['ASC', 'DESC'].map((direction) => `orderBy: { field: ${field}, direction: ${direction} }, `),
)
const connections = [
  ...['', ...orders].map((order) => ({ name: `projects(${order}…)`, field: `projects(${order}ARGS) SELECTION` })),
  ...['', ...orders].map((order) => ({ name: `gateways(${order}…)`, field: `gateways(${order}ARGS) SELECTION` })),
  { name: 'auditEvents', field: 'auditEvents(ARGS) SELECTION' },
  { name: 'Organization.members', field: 'organization { members(ARGS) SELECTION }' },
  { name: 'Project.gateways', field: `project(id: "${projects[0]!.id}") { gateways(ARGS) SELECTION }` },
]
/** The connection in an answer: the one thing beside the probe, or in it. */
const connectionIn = (data: any) => {
  const { probe: _, ...rest } = data
  const [top] = Object.values<any>(rest)
  return top.members ?? top.gateways ?? top
}

const ask = (field: string, args: string, variables: Record<string, unknown> = {}) =>
  server.send(
    `query ${args.includes('$cursor') ? '($cursor: String)' : ''} { probe: __typename ${field.replace('ARGS', args).replace('SELECTION', SELECTION)} }`,
    { token: person.token, variables },
  )
const encoded = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

test.each(connections)('$name refuses sizes that are none', async ({ field }) => {
  for (const [args, path] of [
    ['first: -1', ['first']],
    ['last: -1', ['last']],
    ['first: 101', ['first']],
    ['last: 101', ['last']],
    ['first: 2147483647', ['first']],
    ['first: 1, last: 1', ['last']],
    ['first: 0, last: 0', ['last']],
  ] as const) {
    const answer = await ask(field, args)
    expect([args, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([
      args,
      [expect.stringMatching(/^(BAD_USER_INPUT|OPERATION_TOO_LARGE)$/)],
    ])
    if (answer.errors[0]?.extensions.code === 'BAD_USER_INPUT') {
      expect(answer.errors[0]?.extensions.inputs).toEqual([{ path, reason: expect.any(String) }])
    }
  }
})

test.each(connections)('$name takes no page of none', async ({ field }) => {
  for (const args of ['first: 0', 'last: 0']) {
    const answer = await ask(field, args)
    expect(answer.errors).toEqual([])
    const { edges, totalCount } = connectionIn(answer.data)
    expect(edges).toEqual([])
    expect(totalCount).toBeGreaterThan(0)
  }
})

test.each(connections)('$name refuses every cursor that is not its own', async ({ field }) => {
  const own = connectionIn((await ask(field, 'first: 1')).data).edges[0].cursor as string
  const [property, value, id] = JSON.parse(Buffer.from(own, 'base64url').toString()) as [string, string, string]
  const other = property === 'name' ? 'createdAt' : 'name'
  const nonsense: unknown[] = [
    '',
    ' ',
    'null',
    '%%%',
    'x'.repeat(90_000),
    encoded('{'),
    encoded('['.repeat(50_000)),
    encoded({}),
    encoded(null),
    encoded([]),
    encoded([property, value]),
    encoded([property, value, id, id]),
    encoded([property, value, null]),
    encoded([property, null, id]),
    encoded([property, 1, id]),
    encoded([property, { $gt: '' }, id]),
    encoded([[property], value, id]),
    encoded([other, value, id]),
    encoded(['organizationId', value, id]),
    encoded(['__proto__', value, id]),
    encoded([property, value, 'id']),
    encoded([property, value, `${id}'`]),
    encoded([property, value, id.toUpperCase()]),
    encoded([property, `${value}\0`, id]),
    encoded([property, `${value}\ud800`, id]),
    encoded(`["${property}","${value}","${id}"`),
    Buffer.from([0xff, 0xfe, 0x00]).toString('base64url'),
    own.slice(0, -3),
    ...(property === 'createdAt'
      ? ['0000-01-01T00:00:00.000Z', '2026-02-31T00:00:00.000Z', '2026-13-01T00:00:00.000Z', '-infinity', '1'].map(
          (text) => encoded([property, text, id]),
        )
      : []),
    ...(property === 'id' ? [encoded([property, v7(), id])] : []),
  ]
  for (const cursor of nonsense) {
    for (const name of ['after', 'before']) {
      const answer = await ask(field, `${name}: $cursor`, { cursor })
      expect([cursor, answer.errors.map(({ extensions }) => extensions.code)]).toEqual([cursor, ['BAD_USER_INPUT']])
      expect(answer.errors[0]?.extensions.inputs[0].path).toEqual([name])
    }
  }
  expect((await ask(field, 'first: 1, after: $cursor', { cursor: own })).errors).toEqual([])
  expect((await ask(field, 'first: 1, after: $cursor', { cursor: null })).errors).toEqual([])
  expectError(await ask(field, 'first: 1, after: $cursor', { cursor: 1 }), 'BAD_USER_INPUT')
})

test('a cursor holds every millisecond of its time', async () => {
  const own = await givenPerson(server)
  const rows = Array.from({ length: 30 }, (_, n) => ({
    id: v7(),
    name: `at ${n}`,
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 0, Math.floor(n / 3))),
  }))
  await insertProjects(server, own.organizationId, rows)
  const seen: string[] = []
  let after: string | null = null
  do {
    const answer = await server.send(
      `query ($after: String) {
        projects(first: 1, after: $after, orderBy: { field: CREATED_AT, direction: ASC }) {
          nodes { id createdAt } pageInfo { endCursor hasNextPage }
        }
      }`,
      { token: own.token, variables: { after } },
    )
    const { nodes, pageInfo } = answer.data.projects
    seen.push(nodes[0].id)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after)
  expect(seen).toEqual(rows.map((row) => row.id))
})

test("another organization's cursor shows nothing of it and finds nothing in it", async () => {
  const other = await givenPerson(server, 'Other')
  const cursor = (await ask('projects(ARGS) SELECTION', 'first: 1')).data.projects.edges[0].cursor
  const answer = await server.send(
    'query ($cursor: String) { projects(before: $cursor, first: 10) { totalCount nodes { id } } }',
    { token: other.token, variables: { cursor } },
  )
  expect(answer.errors).toEqual([])
  expect(answer.data.projects).toEqual({ totalCount: 0, nodes: [] })
})

test('a page that is none fails alone: the other pages of the operation are served', async () => {
  const { data, errors } = await server.send(
    `{ projects(first: 3) { nodes { good: gateways(first: 1) { nodes { name } } bad: gateways(first: 101) { nodes { name } } } } }`,
    { token: person.token },
  )
  const refused = errors[0]?.extensions.code
  if (refused === 'OPERATION_TOO_LARGE') return
  expect(errors.map(({ extensions }) => extensions.code)).toEqual(Array(3).fill('BAD_USER_INPUT'))
  expect(data.projects.nodes).toEqual(Array(3).fill({ good: { nodes: [{ name: 'g0' }] }, bad: null }))
})

test('a total is counted when it is selected, and not otherwise', async () => {
  const query = (selection: string) =>
    server.send(
      `{ projects(first: 2) ${selection} gateways(first: 2) ${selection} auditEvents(first: 2) ${selection} }`,
      {
        token: person.token,
      },
    )
  const counts = (statements: string[]) => statements.filter((statement) => /count\(/i.test(statement))
  const [without, plain] = await statementsOf(server, () =>
    query('{ nodes { id } pageInfo { hasNextPage endCursor } }'),
  )
  expect(plain.errors).toEqual([])
  expect([without.length, counts(without)]).toEqual([3, []])
  const [withTotal, counted] = await statementsOf(server, () => query('{ totalCount again: totalCount nodes { id } }'))
  expect(counted.errors).toEqual([])
  expect(counts(withTotal).length).toBeGreaterThanOrEqual(3)
})
