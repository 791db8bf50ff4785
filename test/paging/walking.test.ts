import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { v7 } from 'uuid'
import { givenMember, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { insertProjects, sql } from './rows.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => server.close())

interface Page {
  totalCount: number
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
  nodes: { id: string }[]
  edges: { cursor: string; node: { id: string } }[]
}
interface Order {
  field: 'NAME' | 'CREATED_AT'
  direction: 'ASC' | 'DESC'
}
const orders: (Order | null)[] = [
  null,
  ...(['NAME', 'CREATED_AT'] as const).flatMap((field) =>
    (['ASC', 'DESC'] as const).map((direction) => ({ field, direction })),
  ),
]

async function pageOf(person: Person, field: string, args: Record<string, unknown>): Promise<Page> {
  const connection = `(first: $first, after: $after, last: $last, before: $before ORDER) {
    totalCount nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }`
  const ordered = ['projects', 'gateways'].includes(field)
  const selection = `${field}${connection.replace('ORDER', ordered ? ', orderBy: $orderBy' : '')}`
  const answer = await server.send(
    `query ($first: Int, $after: String, $last: Int, $before: String
      ${ordered ? `, $orderBy: ${field === 'projects' ? 'ProjectOrder' : 'GatewayOrder'}` : ''}) {
      ${field === 'members' ? `organization { ${selection} }` : selection}
    }`,
    { token: person.token, variables: args },
  )
  expect(answer.errors).toEqual([])
  const page: Page = field === 'members' ? answer.data.organization.members : answer.data[field]
  expect(page.edges.map((edge) => edge.node)).toEqual(page.nodes)
  expect(page.pageInfo.startCursor).toBe(page.edges.at(0)?.cursor ?? null)
  expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor ?? null)
  return page
}
const idsOf = (page: Page) => page.nodes.map((node) => node.id)

/** All pages in one direction, each after the one before it. */
async function walk(
  person: Person,
  field: string,
  size: number,
  backward: boolean,
  orderBy: Order | null = null,
  onPage: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> {
  const seen: string[] = []
  for (let cursor: string | null = null; ;) {
    const args: Record<string, unknown> = backward ? { last: size, before: cursor } : { first: size, after: cursor }
    const page = await pageOf(person, field, { ...args, orderBy })
    expect(page.pageInfo[backward ? 'hasNextPage' : 'hasPreviousPage']).toBe(cursor !== null)
    if (backward) seen.unshift(...idsOf(page))
    else seen.push(...idsOf(page))
    const more = page.pageInfo[backward ? 'hasPreviousPage' : 'hasNextPage']
    if (!more) return seen
    expect(page.nodes).toHaveLength(size)
    cursor = backward ? page.pageInfo.startCursor : page.pageInfo.endCursor
    await onPage()
  }
}

interface Seeded {
  id: string
  name: string
  createdAt: Date
}
/** Numbers that are the same in every run. */
function randomFrom(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
async function givenProjects(count: number, seed = count + 1): Promise<{ person: Person; rows: Seeded[] }> {
  const person = await givenPerson(server)
  const random = randomFrom(seed)
  const rows = Array.from({ length: count }, () => ({
    id: v7(),
    // Few names and few times, so that many rows are equal in what they are sorted by.
    name: `name ${random(7)}`,
    createdAt: new Date(Date.UTC(2026, 0, 1) + random(5)),
  }))
  await insertProjects(server, person.organizationId, rows)
  return { person, rows }
}
/** The same order, made in memory. */
function sorted(rows: readonly Seeded[], order: Order | null): string[] {
  const key = (row: Seeded) => (order?.field === 'NAME' ? row.name : order ? row.createdAt.toISOString() : '')
  const ascending = rows.toSorted((a, b) => (key(a) === key(b) ? (a.id < b.id ? -1 : 1) : key(a) < key(b) ? -1 : 1))
  return (order?.direction === 'DESC' ? ascending.reverse() : ascending).map((row) => row.id)
}

test.each([0, 1, 50, 101])('%i rows are walked through in every order, each exactly once', async (count) => {
  const { person, rows } = await givenProjects(count)
  for (const order of orders) {
    const expected = sorted(rows, order)
    for (const size of count > 100 ? [50, 100] : [50]) {
      expect(await walk(person, 'projects', size, false, order)).toEqual(expected)
      expect(await walk(person, 'projects', size, true, order)).toEqual(expected)
    }
  }
})

test('50 rows are a page where no size is given, and the total knows no paging', async () => {
  const { person, rows } = await givenProjects(60)
  const page = await pageOf(person, 'projects', {})
  expect(idsOf(page)).toEqual(rows.map((row) => row.id).slice(0, 50))
  expect(page).toMatchObject({ totalCount: 60, pageInfo: { hasNextPage: true, hasPreviousPage: false } })
  expect((await pageOf(person, 'projects', { first: 0 })).pageInfo).toMatchObject({
    hasNextPage: true,
    startCursor: null,
  })
  const rest = await pageOf(person, 'projects', { first: 3, after: page.pageInfo.endCursor })
  expect(rest.totalCount).toBe(60)
  const filtered = await server.send('{ projects(first: 1, filter: { nameContains: "name 3" }) { totalCount } }', {
    token: person.token,
  })
  expect(filtered.data.projects.totalCount).toBe(rows.filter((row) => row.name === 'name 3').length)
})

test('after and before together cut the same piece out of the list, from either side', async () => {
  const { person, rows } = await givenProjects(20)
  for (const orderBy of orders) {
    const expected = sorted(rows, orderBy)
    const { edges } = await pageOf(person, 'projects', { first: 100, orderBy })
    const between = { after: edges[4]!.cursor, before: edges[15]!.cursor, orderBy }
    expect(idsOf(await pageOf(person, 'projects', between))).toEqual(expected.slice(5, 15))
    expect(idsOf(await pageOf(person, 'projects', { ...between, first: 3 }))).toEqual(expected.slice(5, 8))
    expect(idsOf(await pageOf(person, 'projects', { ...between, last: 3 }))).toEqual(expected.slice(12, 15))
    const inverted = { after: edges[15]!.cursor, before: edges[4]!.cursor, orderBy }
    expect(idsOf(await pageOf(person, 'projects', inverted))).toEqual([])
  }
})

test('rows that come and go while a list is walked through neither repeat nor hide the others', async () => {
  for (const orderBy of orders) {
    for (const backward of [false, true]) {
      const { person, rows } = await givenProjects(25)
      const doomed = new Set<string>()
      const seen = await walk(person, 'projects', 4, backward, orderBy, async () => {
        await insertProjects(server, person.organizationId, [
          { id: v7(), name: 'name 0', createdAt: new Date(Date.UTC(2025, 0, 1)) },
          { id: v7(), name: 'name 9', createdAt: new Date(Date.UTC(2027, 0, 1)) },
        ])
        const gone = rows[doomed.size]!.id
        doomed.add(gone)
        await sql(server, person.organizationId, 'update projects set deleted_at = now() where id = ?', [gone])
      })
      expect(new Set(seen).size).toBe(seen.length)
      const kept = rows.filter((row) => !doomed.has(row.id))
      const staying = new Set(kept.map((row) => row.id))
      expect(seen.filter((id) => staying.has(id))).toEqual(sorted(kept, orderBy))
    }
  }
})

test('pages of random sizes from random places are those of the same list in memory', async () => {
  const random = randomFrom(42)
  for (let round = 0; round < 4; round += 1) {
    const { person, rows } = await givenProjects(5 + random(90), round)
    for (const orderBy of orders) {
      const expected = sorted(rows, orderBy)
      const { edges } = await pageOf(person, 'projects', { first: 100, orderBy })
      for (let probe = 0; probe < 8; probe += 1) {
        const [after, before] = [random(rows.length + 5), random(rows.length + 5)]
        const size = random(30)
        const backward = random(2) === 1
        const page = await pageOf(person, 'projects', {
          orderBy,
          ...(edges[after] && { after: edges[after].cursor }),
          ...(edges[before] && { before: edges[before].cursor }),
          [backward ? 'last' : 'first']: size,
        })
        const piece = expected.slice(edges[after] ? after + 1 : 0, edges[before] ? before : undefined)
        expect(idsOf(page)).toEqual(backward ? piece.slice(Math.max(0, piece.length - size)) : piece.slice(0, size))
        expect(page.pageInfo[backward ? 'hasPreviousPage' : 'hasNextPage']).toBe(piece.length > size)
        expect(page.totalCount).toBe(rows.length)
      }
    }
  }
})

test('members and audit events are walked through like everything else', async () => {
  const admin = await givenPerson(server)
  for (let n = 0; n < 6; n += 1) await givenMember(server, admin, 'VIEWER')
  for (const [field, table, direction] of [
    ['members', 'memberships', 'asc'],
    ['auditEvents', 'audit_events', 'desc'],
  ] as const) {
    const rows = await sql<{ id: string }>(
      server,
      admin.organizationId,
      `select id from ${table} where organization_id = ? order by id ${direction}`,
      [admin.organizationId],
    )
    const expected = rows.map((row) => row.id)
    expect(expected.length).toBeGreaterThan(6)
    for (const size of [1, 3, 100]) {
      expect(await walk(admin, field, size, false)).toEqual(expected)
      expect(await walk(admin, field, size, true)).toEqual(expected)
    }
    expect((await pageOf(admin, field, {})).totalCount).toBe(expected.length)
  }
})
