import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenGateway, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'
import { readingOnly } from '../../src/selection.ts'
import type { ProjectRow } from '../../src/modules/project/project.entity.ts'
import { statementsOf } from './rows.ts'

let server: TestServer
let person: Person
beforeAll(async () => {
  server = await startServer({ settings: { MAX_COST: '1000000', MAX_TOKENS: '10000' } })
  person = await givenPerson(server)
  for (const name of ['a', 'b']) {
    const id = await givenProject(server, person, `project ${name}`)
    for (const number of ['1', '2']) await givenGateway(server, person, id, `gateway ${name}${number}`)
  }
})
afterAll(() => server?.close())

/** The answer, and which columns the statements for its rows have read. */
async function asked(query: string, variables: Record<string, unknown> = {}) {
  const [statements, answer] = await statementsOf(server, () => server.send(query, { token: person.token, variables }))
  expect(answer.errors).toEqual([])
  const columns = statements
    .filter((text) => text.includes('"t".'))
    .map((text) =>
      [...(/select (?!page)(.*?) from "/.exec(text)?.[1] ?? '').matchAll(/as "(\w+)"/g)].map(([, name]) => name).sort(),
    )
  return { data: answer.data, columns }
}

const ALL = ['createdAt', 'description', 'id', 'name', 'organizationId', 'updatedAt']

test.each([
  ['nothing of its rows', '{ projects { pageInfo { hasNextPage endCursor } } }', ['id']],
  ['__typename', '{ projects { nodes { __typename } } }', ['id']],
  ['nodes', '{ projects { nodes { name } } }', ['id', 'name']],
  ['edges', '{ projects { edges { cursor node { createdAt } } } }', ['createdAt', 'id']],
  ['aliases', '{ projects { nodes { id: name name: id } } }', ['id', 'name']],
  ['both', '{ projects { nodes { name } edges { node { description } } } }', ['description', 'id', 'name']],
  [
    'an order',
    '{ projects(orderBy: { field: CREATED_AT, direction: DESC }) { nodes { name } } }',
    ['createdAt', 'id', 'name'],
  ],
  ['what is left out of this answer', '{ projects { nodes { name @skip(if: true) } } }', ['id', 'name']],
  [
    'a fragment',
    '{ projects { ...p } } fragment p on ProjectConnection { nodes { ... on Node { id } ...n } } fragment n on Project { name }',
    ['id', 'name'],
  ],
  ['a field of several places', '{ projects { nodes { name } } projects { nodes { description } } }', ALL],
])('a page of which %s is selected reads no more columns', async (_, query, expected) => {
  const [columns] = (await asked(query)).columns
  expect(columns?.filter((name) => name !== 'deletedAt')).toEqual(expected)
})

test('pages below one another read what they show and what links them', async () => {
  const { data, columns } = await asked('{ projects { nodes { name gateways { nodes { name } } } } }')
  expect(columns).toEqual([
    ['id', 'name'],
    ['id', 'name', 'projectId'],
  ])
  expect(data.projects.nodes[1]).toEqual({
    name: 'project b',
    gateways: { nodes: [{ name: 'gateway b1' }, { name: 'gateway b2' }] },
  })
})

test('what is read for one field is not taken for all that another needs', async () => {
  const query = `{
    a: projects { nodes { gateways { nodes { name } } } }
    b: projects { nodes { gateways { nodes { createdAt updatedAt project { name } } } } }
    c: gateways { nodes { project { id name description } } }
  }`
  const { data } = await asked(query)
  expect(data.a.nodes[0].gateways.nodes[0]).toEqual({ name: 'gateway a1' })
  expect(data.b.nodes[0].gateways.nodes[0]).toEqual({
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
    project: { name: 'project a' },
  })
  expect(data.c.nodes[3].project).toMatchObject({ name: 'project b', description: null })
})

const LISTS = {
  projects: ['id', 'name', 'description', 'createdAt', 'updatedAt', 'gateways { totalCount }'],
  gateways: ['id', 'name', 'createdAt', 'updatedAt', 'project { id }'],
}

test.each(Object.entries(LISTS))('each field of %s alone is what it is beside all others', async (list, fields) => {
  const whole = (await asked(`{ ${list} { nodes { ${fields.join(' ')} } } }`)).data[list].nodes
  for (const field of fields) {
    const [name = ''] = field.split(' ')
    for (const query of [`{ ${list} { nodes { ${field} } } }`, `{ ${list} { edges { node { ${field} } } } }`]) {
      const answer = (await asked(query)).data[list]
      const rows = answer.nodes ?? answer.edges.map(({ node }: { node: unknown }) => node)
      expect(rows).toEqual(whole.map((row: Record<string, unknown>) => ({ [name]: row[name] })))
    }
  }
})

test('whoever asks for ever other columns is read all of them in the end', async () => {
  const fields = ['name', 'description', 'createdAt', 'updatedAt', 'id', 'gateways { totalCount }']
  for (let subset = 1; subset < 64; subset += 1) {
    const selected = fields.filter((_, at) => subset & (1 << at))
    await asked(`{ projects { nodes { ${selected.join(' ')} __typename } } }`)
  }
  const seen = new Set<string>()
  for (let subset = 1; subset < 64; subset += 1) {
    const selected = fields.filter((_, at) => subset & (1 << at))
    const { columns } = await asked(`{ projects { nodes { ${selected.join(' ')} } } }`)
    seen.add(String(columns[0]))
  }
  expect(seen.size).toBeLessThanOrEqual(33)
})

test('a resolver that says what it reads has nothing else to read', () => {
  readingOnly<ProjectRow, unknown, unknown, 'id'>(['id'], (project) => project.id)
  // @ts-expect-error: it has not said that it reads the name
  readingOnly<ProjectRow, unknown, unknown, 'id'>(['id'], (project) => project.name)
  expect(readingOnly(['id'], (project: Pick<ProjectRow, 'id'>) => project.id)).toMatchObject({
    extensions: { reads: ['id'] },
  })
})
