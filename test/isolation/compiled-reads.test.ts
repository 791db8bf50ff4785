import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { valuesFor } from '../../src/database/compiled-statement.ts'
import { compiledStatements } from '../../src/database/shape.ts'
import { ROTATE, givenApiKey } from '../api-key/given-api-key.ts'
import { askForEverything, recordReads, weightOf, type Ran } from '../database/given-compiled.ts'
import { ownerOf, tenantTables, type Row } from '../database/given-database.ts'
import { givenGateway, givenMember, givenPerson, givenProject, startServer, type TestServer } from '../harness.ts'
import { givenRegistration } from '../issuer/given-registration.ts'
import { givenOperator } from '../platform/given-operator.ts'
import { givenRunner, type Runner } from './given-runner.ts'

/** An organization with rows of every kind, and the ids of all of them. */
interface Furnished {
  organizationId: string
  ids: ReadonlySet<string>
}

let server: TestServer
let owner: Awaited<ReturnType<typeof ownerOf>>
let runner: Runner
let ours: Furnished
let theirs: Furnished
/** What was run for us, through the tenant door. */
let tenantReads: Ran[]
/** Those of them about rows that are a tenant's own. */
let ownedReads: Ran[]
let everyRead: Map<string, Ran>

async function furnish(name: string, size: number) {
  const admin = await givenPerson(server, name)
  const projects: string[] = []
  for (let at = 0; at < size; at += 1) projects.push(await givenProject(server, admin, `project ${at}`))
  const [projectId = ''] = projects
  const gateways: string[] = []
  for (let at = 0; at < size; at += 1) {
    gateways.push(await givenGateway(server, admin, projectId, `gateway by profession ${at}`))
  }
  for (let at = 1; at < size; at += 1) await givenMember(server, admin, 'VIEWER')
  for (let at = 0; at < size; at += 1) await givenRegistration(server, admin, `https://id-${at}.example.com`)
  const keys = []
  for (let at = 0; at < size; at += 1) keys.push(await givenApiKey(server, admin))
  const apiKeyId = keys[0]?.id ?? ''
  const rotated = await server.send(ROTATE, { token: admin.token, variables: { input: { id: apiKeyId } } })
  expect(rotated.errors).toEqual([])
  return { admin, projectId, gatewayId: gateways[0] ?? '', apiKeyId }
}

async function furnished(organizationId: string): Promise<Furnished> {
  const ids = new Set<string>([organizationId])
  for (const table of await tenantTables({ asOwner: owner.run })) {
    const rows = await owner.run(`select id from "${table}" where organization_id = $1`, [organizationId])
    for (const { id } of rows) ids.add(id as string)
  }
  const users = await owner.run('select user_id as id from memberships where organization_id = $1', [organizationId])
  for (const { id } of users) ids.add(id as string)
  return { organizationId, ids }
}

beforeAll(async () => {
  server = await startServer({ settings: { MAX_COST: '1000000' } })
  const { database } = server.app.services
  owner = await ownerOf(database, server.databaseUrl)
  runner = await givenRunner(database, server.databaseUrl)
  everyRead = recordReads(database)
  const operator = await givenOperator(server)
  const asking = { operator, ...(await furnish('Ours', 5)) }
  const other = await furnish('Theirs', 2)
  await askForEverything(server, asking)
  ours = await furnished(asking.admin.organizationId)
  theirs = await furnished(other.admin.organizationId)
  tenantReads = [...everyRead.values()].filter(({ reach }) => reach.role === null)
  ownedReads = tenantReads.filter(({ statement }) => statement.slots.includes('tenant'))
}, 300_000)
afterAll(async () => {
  await runner?.end()
  await owner?.end()
  await server?.close()
})

/** The ids in what a statement has shown that belong to an organization. */
const shownOf = ({ ids }: Furnished, rows: readonly Row[]): string[] =>
  [...JSON.stringify(rows).matchAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)]
    .map(([id]) => id)
    .filter((id) => ids.has(id))

const isCount = ({ rows }: Ran): boolean => rows.some((row) => 'total' in row)

/** What of ours is told: our ids, and, by a count, as many as we have. They have fewer of everything. */
function toldOfOurs(ran: Ran, rows: readonly Row[]): unknown[] {
  const counted = isCount(ran) && weightOf(rows) >= weightOf(ran.rows) ? [weightOf(rows)] : []
  return [...shownOf(ours, rows), ...counted]
}

/** The text without the filter's condition; its value keeps its place. */
function withoutFilter({ statement: { text, slots } }: Ran): string {
  const place = `$${slots.indexOf('tenant') + 1}`
  const pieces = text.split(new RegExp(`"t"\\."(?:organization_id|id)" = \\${place}(?!\\d)`))
  expect({ text, conditions: pieces.length - 1 }).toEqual({ text, conditions: 1 })
  return pieces.join(`${place}::text is not null`)
}

const textOf = ({ statement }: Ran): string => statement.text

/** Runs each of some statements. @returns those of which something was told that must not be. */
async function offending(
  reads: readonly Ran[],
  run: (ran: Ran) => Promise<readonly Row[]>,
  told: (ran: Ran, rows: readonly Row[]) => unknown[] = toldOfOurs,
) {
  const found: { text: string; told: unknown[] }[] = []
  for (const ran of reads) {
    const what = told(ran, await run(ran))
    if (what.length > 0) found.push({ text: textOf(ran), told: what })
  }
  return found
}

const valuesAs = ({ statement, values }: Ran, { organizationId }: Furnished) =>
  valuesFor(statement, values, organizationId)

describe('what is proven is proven of every statement', () => {
  test('every statement that was compiled for the features was run, and has told something of ours', async () => {
    const compiled = await compiledStatements(server.app.services.database)
    expect(compiled.map(({ name }) => name).filter((name) => !everyRead.has(name))).toEqual([])
    expect(tenantReads.length).toBeGreaterThan(100)
    expect(tenantReads.filter(({ reach }) => reach.tenant !== ours.organizationId).map(textOf)).toEqual([])
    expect(tenantReads.filter(({ rows }) => weightOf(rows) === 0).map(textOf)).toEqual([])
  })

  test('through the tenant door, what does not name the tenant asks for users alone, whom the policy alone knows', () => {
    const unnamed = tenantReads.filter(({ statement }) => !statement.slots.includes('tenant'))
    expect(unnamed.map(({ statement }) => /from "(\w+)"/.exec(statement.text)?.[1])).toEqual(['users'])
  })

  test('no text holds an id', () => {
    const texts = [...everyRead.values()].map(textOf)
    expect(texts.filter((text) => /[0-9a-f]{8}-[0-9a-f]{4}-/.test(text))).toEqual([])
  })
})

describe('with both walls', () => {
  test('run for us they tell of us, and run for another tenant with the same values they tell nothing of us', async () => {
    const asUs = (ran: Ran) => runner.asServer(ours.organizationId, textOf(ran), valuesAs(ran, ours))
    const silent = await offending(tenantReads, asUs, (ran, rows) => (toldOfOurs(ran, rows).length === 0 ? [ran] : []))
    expect(silent).toEqual([])
    const asThem = (ran: Ran) => runner.asServer(theirs.organizationId, textOf(ran), valuesAs(ran, theirs))
    expect(await offending(tenantReads, asThem)).toEqual([])
  })

  test.each<'setting' | 'slot'>(['setting', 'slot'])(
    'another tenant in the %s alone: no row of either',
    async (where) => {
      const [inSetting, inSlot] = where === 'setting' ? [theirs, ours] : [ours, theirs]
      const run = (ran: Ran) => runner.asServer(inSetting.organizationId, textOf(ran), valuesAs(ran, inSlot))
      const told = (_: Ran, rows: readonly Row[]) => (weightOf(rows) > 0 ? [rows] : [])
      expect(await offending(ownedReads, run, told)).toEqual([])
    },
  )

  test('run for no tenant they end with an error', async () => {
    const outcomes = new Map<string, number>()
    for (const ran of tenantReads) {
      const outcome = await runner.asServer(null, textOf(ran), valuesAs(ran, ours)).then(
        (rows) => `${rows.length} rows: ${textOf(ran)}`,
        (error: unknown) => (error as { code: string }).code,
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    // The setting is not known to the connection, or is empty after a transaction in which it was set.
    expect([...outcomes.keys()].filter((outcome) => !['42704', '22P02'].includes(outcome))).toEqual([])
  })
})

describe('with one wall', () => {
  test('without the filter row-level security shows the tenant of the transaction alone', async () => {
    const run = (ran: Ran) => runner.asServer(theirs.organizationId, withoutFilter(ran), valuesAs(ran, theirs))
    expect(await offending(ownedReads, run)).toEqual([])
  })

  test('without row-level security the filter shows the tenant of its value alone', async () => {
    const run = (ran: Ran) => owner.run(textOf(ran), valuesAs(ran, theirs))
    expect(await offending(ownedReads, run)).toEqual([])
  })

  test('with neither, each of them would have shown rows of ours: the walls are what hides them', async () => {
    const run = (ran: Ran) => owner.run(withoutFilter(ran), valuesAs(ran, theirs))
    const kept = await offending(ownedReads, run, (ran, rows) => (toldOfOurs(ran, rows).length === 0 ? [rows] : []))
    expect(kept).toEqual([])
  })
})
