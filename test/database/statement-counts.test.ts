import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenGateway, givenPerson, givenProject, startServer, type Person, type TestServer } from '../harness.ts'

let server: TestServer
let person: Person
const statements: string[] = []

beforeAll(async () => {
  server = await startServer({ settings: { MAX_COST: '1000000' } })
  person = await givenPerson(server)
  for (let project = 0; project < 10; project += 1) {
    const id = await givenProject(server, person, `project ${project}`)
    for (let gateway = 0; gateway < 4; gateway += 1) await givenGateway(server, person, id, `gateway ${gateway}`)
  }
  const logger = server.app.services.database.orm.config.getLogger()
  logger.setDebugMode(['query'])
  logger.logQuery = ({ query }) => void statements.push(query ?? '')
}, 180_000)
afterAll(() => server?.close())

/** What the database was asked for one operation. */
async function asked(query: string, token: string | null = person.token) {
  statements.length = 0
  const answer = await server.send(query, { token })
  expect(answer.errors).toEqual([])
  const begun = statements.filter((statement) => /^(begin|start transaction)/i.test(statement))
  const rows = statements.filter((statement) => / from /i.test(statement))
  return { data: answer.data, begun: begun.length, rows: rows.length }
}

test.each([1, 3, 10])(
  'a list of projects with a page of %i gateways each is two statements for the rows',
  async (first) => {
    const { data, begun, rows } = await asked(
      `{ projects(first: 10) { nodes { gateways(first: ${first}) { nodes { name } } } } }`,
    )
    expect(data.projects.nodes.map((project: any) => project.gateways.nodes.length)).toEqual(
      Array(10).fill(Math.min(first, 4)),
    )
    expect({ begun, rows }).toEqual({ begun: 1, rows: 2 })
  },
)

test('whatever is selected of the pages, but for the totals, adds no statement', async () => {
  const page = 'edges { cursor node { name } } pageInfo { hasNextPage endCursor } nodes { id }'
  const { begun, rows } = await asked(`{ projects { ${page} nodes { gateways(last: 2) { ${page} } } } }`)
  expect({ begun, rows }).toEqual({ begun: 1, rows: 2 })
})

test('a total is one statement more, and the totals of ten projects are one', async () => {
  expect(await asked('{ projects { totalCount } }')).toMatchObject({ begun: 1, data: { projects: { totalCount: 10 } } })
  const { data, begun, rows } = await asked(
    '{ projects { totalCount nodes { gateways(first: 3) { totalCount nodes { id } } } } }',
  )
  expect(data.projects.nodes.map((project: any) => project.gateways.totalCount)).toEqual(Array(10).fill(4))
  expect({ begun, rows }).toEqual({ begun: 1, rows: 4 })
})

test('forty gateways with their projects are two statements', async () => {
  const { data, begun, rows } = await asked('{ gateways(first: 100) { nodes { project { name } } } }')
  expect(data.gateways.nodes).toHaveLength(40)
  expect({ begun, rows }).toEqual({ begun: 1, rows: 2 })
})

test('several root fields share one transaction', async () => {
  const { begun } = await asked('{ a: projects { nodes { id } } b: gateways { nodes { id } } organization { name } }')
  expect(begun).toBe(1)
})

test.each(['{ __typename }', '{ principal { kind role scopes } }'])(
  'an operation without rows opens no transaction: %s',
  async (query) => {
    expect(await asked(query)).toMatchObject({ begun: 0, rows: 0 })
  },
)

test('a refused operation opens no transaction', async () => {
  statements.length = 0
  const answer = await server.send('{ projects { nodes { id } } }')
  expect(answer.status).toBe(401)
  expect(statements).toEqual([])
})

test('a mutation is one transaction, and what is selected of its result another', async () => {
  const { begun } = await asked('mutation { createProject(input: { name: "one more" }) { project { name } } }')
  expect(begun).toBe(1)
})
