import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenPerson, startServer, type TestServer } from '../harness.ts'
import { recordReads } from './given-compiled.ts'
import { ownerOf } from './given-database.ts'
import { plan, planningClient, scansOf, type Planned } from './given-plans.ts'

/** Where tables are small, a walk through the rows of all tenants seems cheap, and is what a page would cost for ever. */
const PROJECTS_EACH = 20
const ORGANIZATIONS = 50

let server: TestServer
const planned: Planned[] = []

beforeAll(async () => {
  server = await startServer()
  const { database } = server.app.services
  const { token, organizationId } = await givenPerson(server)
  const owner = await ownerOf(database, server.databaseUrl)
  await owner.run(`insert into organizations (id, name, slug)
    select gen_random_uuid(), 'organization ' || n, 'organization-' || n from generate_series(2, ${ORGANIZATIONS}) n`)
  await owner.run(`insert into projects (id, organization_id, name)
    select ('01900000-0000-7000-8000-' || lpad(to_hex(row_number() over (order by n, o.id)), 12, '0'))::uuid, o.id, 'project ' || n
    from organizations o, generate_series(1, ${PROJECTS_EACH}) n order by 1`)
  await owner.run('analyze')
  await owner.end()
  const ran = recordReads(database)
  const answer = await server.send('{ projects(first: 5) { pageInfo { startCursor endCursor } } }', { token })
  const { startCursor, endCursor } = answer.data.projects.pageInfo as Record<string, string>
  const query =
    'query ($after: String, $before: String) { after: projects(first: 5, after: $after) { nodes { id name } } before: projects(last: 5, before: $before) { nodes { id name } } }'
  const pages = await server.send(query, { token, variables: { after: endCursor, before: startCursor } })
  expect(pages.data.after.nodes).toHaveLength(5)
  const client = await planningClient(server.databaseUrl)
  const tenants = [...ran.values()].filter(({ reach }) => reach.tenant === organizationId)
  for (const each of tenants) planned.push(await plan(client, each))
  await client.end()
})
afterAll(() => server?.close())

test('the page after a cursor walks through the rows of its own tenant alone', () => {
  const scans = planned.flatMap(scansOf).filter((scan) => scan['Relation Name'] === 'projects')
  expect(scans.length).toBeGreaterThan(2)
  expect(scans.filter((scan) => !scan['Index Cond']?.includes('organization_id = '))).toEqual([])
})
