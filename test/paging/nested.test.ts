import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { v7 } from 'uuid'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { insertGateways, insertProjects, sql, statementsOf } from './rows.ts'

let server: TestServer
let person: Person
/** The gateways of each project, by how many there are. */
const projects = [0, 1, 3, 5, 60].map((count, n) => ({
  id: v7(),
  name: `p${n}`,
  gateways: Array.from({ length: count }, (_, m) => ({ id: v7(), name: `p${n} g${m}` })),
}))
beforeAll(async () => {
  server = await startServer()
  person = await givenPerson(server)
  await insertProjects(server, person.organizationId, projects)
  for (const { id, gateways } of projects) await insertGateways(server, person.organizationId, id, gateways)
})
afterAll(async () => server.close())

const send = (query: string, variables: Record<string, unknown> = {}) =>
  server.send(query, { token: person.token, variables })
const PAGE =
  '{ totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }'

test('each parent has its own page', async () => {
  for (const [args, piece] of [
    ['first: 2', (all: string[]) => all.slice(0, 2)],
    ['last: 2', (all: string[]) => all.slice(-2)],
    ['first: 0', () => []],
  ] as const) {
    const { data, errors } = await send(`{ projects(first: 10) { nodes { gateways(${args}) ${PAGE} } } }`)
    expect(errors).toEqual([])
    data.projects.nodes.forEach(({ gateways }: any, at: number) => {
      const all = projects[at]!.gateways.map(({ id }) => id)
      const expected = piece(all)
      expect(gateways.nodes.map((node: { id: string }) => node.id)).toEqual(expected)
      expect(gateways.totalCount).toBe(all.length)
      const more = all.length > expected.length
      expect(gateways.pageInfo).toEqual({
        hasNextPage: args.startsWith('first') && more,
        hasPreviousPage: args.startsWith('last') && more,
        startCursor: gateways.edges.at(0)?.cursor ?? null,
        endCursor: gateways.edges.at(-1)?.cursor ?? null,
      })
    })
  }
})

test.each([true, false])('a nested list is walked through with its cursors (forward: %s)', async (forward) => {
  const { id, gateways } = projects[4]!
  const seen: string[] = []
  for (let cursor: string | null = null; ;) {
    const args: string = forward ? 'first: 7, after: $cursor' : 'last: 7, before: $cursor'
    const { data } = await send(
      `query ($id: ID!, $cursor: String) { project(id: $id) { gateways(${args}) ${PAGE} } }`,
      { id, cursor },
    )
    const page = data.project.gateways
    const ids = page.nodes.map((node: { id: string }) => node.id)
    if (forward) seen.push(...ids)
    else seen.unshift(...ids)
    if (!page.pageInfo[forward ? 'hasNextPage' : 'hasPreviousPage']) break
    cursor = page.pageInfo[forward ? 'endCursor' : 'startCursor']
  }
  expect(seen).toEqual(gateways.map((gateway) => gateway.id))
})

test('two aliases of one nested connection have each their own arguments', async () => {
  const { data, errors } = await send(`{
    projects(first: 10) { nodes {
      start: gateways(first: 1) { totalCount nodes { name } }
      end: gateways(last: 1) { totalCount nodes { name } }
      same: gateways(first: 1) { nodes { name } }
    } }
  }`)
  expect(errors).toEqual([])
  expect(data.projects.nodes).toEqual(
    projects.map(({ gateways }) => {
      const [first, last] = [gateways.slice(0, 1), gateways.slice(-1)].map((some) => some.map(({ name }) => ({ name })))
      return {
        start: { totalCount: gateways.length, nodes: first },
        end: { totalCount: gateways.length, nodes: last },
        same: { nodes: first },
      }
    }),
  )
})

test('a deleted gateway is on no page and in no total', async () => {
  const own = await givenPerson(server)
  const project = { id: v7(), name: 'p' }
  const gateways = [0, 1, 2].map((n) => ({ id: v7(), name: `g${n}` }))
  await insertProjects(server, own.organizationId, [project])
  await insertGateways(server, own.organizationId, project.id, gateways)
  await sql(server, own.organizationId, 'update gateways set deleted_at = now() where id = ?', [gateways[1]!.id])
  const { data } = await server.send('{ projects { nodes { gateways(first: 2) { totalCount nodes { name } } } } }', {
    token: own.token,
  })
  expect(data.projects.nodes).toEqual([{ gateways: { totalCount: 2, nodes: [{ name: 'g0' }, { name: 'g2' }] } }])
})

test('the number of statements does not grow with the number of parents', async () => {
  const query = (count: number) =>
    send(
      `{ projects(first: ${count}) { nodes { gateways(first: 3) { totalCount nodes { name project { name } } } } } }`,
    )
  const [few, one] = await statementsOf(server, () => query(1))
  const [many, all] = await statementsOf(server, () => query(5))
  expect([one.errors, all.errors]).toEqual([[], []])
  // Projects, gateways, the projects of the gateways, the totals.
  expect(many).toHaveLength(4)
  expect(few.length).toBeLessThanOrEqual(4)
  const [plain] = await statementsOf(server, () =>
    send('{ projects(first: 5) { nodes { gateways(first: 3) { nodes { name } } } } }'),
  )
  expect(plain).toHaveLength(2)
})

test('the members of an organization are read with their users in two statements', async () => {
  const [statements, { errors }] = await statementsOf(server, () =>
    send('{ organization { members(first: 10) { nodes { role user { email } } } } }'),
  )
  expect(errors).toEqual([])
  // The organization, its members, their users.
  expect(statements).toHaveLength(3)
})
