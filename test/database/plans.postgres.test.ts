import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { roles } from '../../src/database/roles.ts'
import { givenApiKey } from '../api-key/given-api-key.ts'
import { givenGateway, givenPerson, givenProject, startServer, type TestServer } from '../harness.ts'
import { givenOperator } from '../platform/given-operator.ts'
import { askForEverything, recordReads } from './given-compiled.ts'
import { ownerOf } from './given-database.ts'
import { seedLargeSet } from './given-large-set.ts'
import { nodesOf, plan, planningClient, scansOf, type Node, type Planned } from './given-plans.ts'

/** Of projects. A million is the set that the indexes are for; the plans are the same with fewer, and the seed is quicker. */
const ROWS = Number(process.env.PLANS_ROWS ?? 200_000)

let server: TestServer
let owner: Awaited<ReturnType<typeof ownerOf>>
let client: Client
const planned: Planned[] = []

beforeAll(async () => {
  const settings = { MAX_COST: '1000000', DATABASE_STATEMENT_TIMEOUT_MS: '30000', EXECUTION_TIMEOUT_MS: '60000' }
  server = await startServer({ settings })
  const { database } = server.app.services
  owner = await ownerOf(database, server.databaseUrl)
  const admin = await givenPerson(server)
  const operator = await givenOperator(server)
  const projectId = await givenProject(server, admin, 'A large project')
  const gatewayId = await givenGateway(server, admin, projectId)
  const { id: apiKeyId } = await givenApiKey(server, admin)
  const { organizationId: largeOrganizationId, userId: actorId } = admin
  const asOwner = owner.run
  await seedLargeSet({ asOwner }, { largeOrganizationId, largeProjectId: projectId, actorId, rows: ROWS })
  const ran = recordReads(database)
  await askForEverything(server, { admin, operator, projectId, gatewayId, apiKeyId })
  client = await planningClient(server.databaseUrl)
  for (const each of ran.values()) planned.push(await plan(client, each))
}, 600_000)
afterAll(async () => {
  await client?.end()
  await owner?.end()
  await server?.close()
})

const isPage = ({ text }: Planned): boolean => text.includes(' limit $')
const isTenants = ({ role }: Planned): boolean => role === null
/** What a statement is ordered by first. */
const orderOf = ({ text }: Planned): string => /order by "t"\."(\w+)"/.exec(text)?.[1] ?? ''
const sortsIn = (nodes: readonly Node[]): Node[] => nodes.filter((node) => node['Node Type'].includes('Sort'))
/** What is sorted before it is cut off; the few rows of the pages under several parents are sorted after that. */
const sortsBelowLimit = ({ nodes }: Planned): Node[] =>
  nodes.filter((node) => node['Node Type'] === 'Limit').flatMap((node) => sortsIn(nodesOf(node)))
const textsOf = (some: readonly Planned[]): string[] => some.map(({ text }) => text)

test('the plans are of all that is read, on the large set', async () => {
  const [counted] = await owner.run('select count(*)::int as projects from projects')
  expect(counted?.projects).toBe(ROWS + 1)
  const ownConnection = server.app.services.database.orm.em.getConnection()
  expect(await ownConnection.execute('show enable_bitmapscan')).toEqual([{ enable_bitmapscan: 'off' }])
  expect(planned.filter(isPage).filter(isTenants).length).toBeGreaterThan(200)
  expect(new Set(planned.map(({ role }) => role))).toEqual(new Set([null, roles.authentication, roles.operator]))
})

test('no statement of a tenant or of sign-in reads a whole table', () => {
  const whole = planned.filter(({ nodes }) => nodes.some((node) => node['Node Type'].endsWith('Seq Scan')))
  expect(textsOf(whole.filter(({ role }) => role !== roles.operator))).toEqual([])
  // Totals over all tenants, for the platform's staff: what counts every row reads every row.
  expect(textsOf(whole).filter((text) => !text.startsWith('select count(*)'))).toEqual([])
})

test('each scan of a tenant begins at its own rows, or at ids', () => {
  const begins = ({ 'Index Cond': condition = '' }: Node) => /\((organization_id|id) = /.test(condition)
  const astray = planned.filter(isTenants).filter((each) => !scansOf(each).every(begins))
  expect(textsOf(astray)).toEqual([])
})

test('a page is a walk through an index in its order: it costs the same however many rows its tenant has', () => {
  const sorted = planned.filter(isPage).filter((each) => sortsBelowLimit(each).length > 0)
  // No index knows what a name contains: all names of the tenant are looked at in any case, unless many of them fit.
  const isSearchByName = (each: Planned) => each.text.includes(' ilike ') && orderOf(each) === 'name'
  expect(textsOf(sorted.filter((each) => !isSearchByName(each)))).toEqual([])
})

test('a page begins at its cursor, without a look at what comes before', () => {
  const bounded = planned.filter(isPage).flatMap((each) => {
    const column = orderOf(each)
    const operators = [...each.text.matchAll(new RegExp(`"t"\\."${column}" ([<>]=?) \\$`, 'g'))]
    // The least strict one: the condition on the other column of the order, and its strict form, are for ties.
    const bounds = operators
      .map(([, operator]) => operator)
      .filter((operator) => column === 'id' || operator?.endsWith('='))
    return bounds.map((operator) => ({ text: each.text, starts: `(${column} ${operator} $`, scans: scansOf(each) }))
  })
  expect(bounded.length).toBeGreaterThan(300)
  const late = bounded.filter(({ starts, scans }) => !scans.some((scan) => scan['Index Cond']?.includes(starts)))
  expect(late.map(({ text }) => text)).toEqual([])
})
