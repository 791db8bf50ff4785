import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asyncProperty } from 'fast-check'
import { print } from 'graphql'
import { choicesFrom, tape, type Choices } from '../choices.ts'
import { ownerOf } from '../database/given-database.ts'
import { givenPerson, PASSWORD, startServer, type Answer, type TestServer } from '../harness.ts'
import { property } from '../property.ts'
import { schema } from './given-sweep.ts'
import type { Sweeping } from './given-two-organizations.ts'
import { randomOperation, type ValueFor } from './random-operation.ts'
import { randomTenant, rowsOf, type Caller, type RandomTenant } from './random-tenants.ts'

/** How many operations our organization is asked: some of them end sessions, keys, memberships. Then there is another. */
const OPERATIONS_A_TENANT = 60

/** And how many until theirs are others too. */
const OPERATIONS_A_WORLD = 1200

let server: TestServer
let owner: Sweeping['owner']
let end: () => Promise<void>

beforeAll(async () => {
  server = await startServer({ settings: { MAX_COST: '1000000', MAX_TOKENS: '10000', EXECUTION_TIMEOUT_MS: '60000' } })
  const opened = await ownerOf(server.app.services.database, server.databaseUrl)
  owner = { asOwner: opened.run }
  end = opened.end
})
afterAll(async () => {
  await end?.()
  await server?.close()
})

interface World {
  readonly ours: RandomTenant
  readonly theirs: readonly RandomTenant[]
  /** Somebody who is a member nowhere. */
  readonly stranger: string
  /** Every row of theirs. */
  readonly rows: readonly string[]
}

let world: World | null = null
let asked = 0
const counts = { served: 0, notFound: 0, refused: 0, changed: 0 }

async function currentWorld(c: Choices): Promise<World> {
  const isNew = world === null || asked % OPERATIONS_A_WORLD === 0
  const isAnother = isNew || asked % OPERATIONS_A_TENANT === 0
  asked += 1
  if (world !== null && !isAnother) return world
  const theirs =
    world !== null && !isNew
      ? world.theirs
      : [await randomTenant(c, server, owner), await randomTenant(c, server, owner)]
  const ours = await randomTenant(c, server, owner)
  const { email } = await givenPerson(server, null)
  world = { ours, theirs, stranger: email, rows: await rowsOf(owner, idsOf(theirs)) }
  return world
}

const idsOf = (tenants: readonly RandomTenant[]) => tenants.map(({ admin }) => admin.organizationId)

/** Values as they would do harm: ids and cursors of all organizations, texts that look for theirs. */
function valuesFrom(c: Choices, { ours, theirs, stranger }: World): ValueFor {
  const anyone = () => c.of([ours, ours, ...theirs])
  const texts: Record<string, (name: string) => unknown> = {
    after: () => c.of(anyone().cursors),
    before: () => c.of(anyone().cursors),
    nameContains: () => c.of(['', 'project', '%', ...theirs.map(({ marker }) => marker)]),
    confirmSlug: () => c.of(theirs).admin.organizationSlug,
    refreshToken: () => ours.admin.refreshToken,
    iss: () => `https://${randomUUID()}.example.com`,
    jwksUri: () => `https://${randomUUID()}.example.com/keys`,
    actorId: () => c.of(anyone().ids),
    action: () => c.of(['project.created', 'user.logged_in', 'api_key.created']),
  }
  const types: Record<string, (name: string) => unknown> = {
    ID: () => (c.chance(5) ? randomUUID() : c.of(anyone().ids)),
    Boolean: (name) => c.chance(name === 'requiresTenantApiKey' ? 5 : 50),
    Int: () => c.of([1, 2, 10, 50, 100]),
    DateTime: () => c.of(['2099-01-01T00:00:00Z', '2020-01-01T00:00:00Z', new Date().toISOString()]),
    Scope: () => c.of(['read:projects', 'read:*', 'write:gateways', '*:*']),
    // Whoever knows an address may add its owner as a member: no secret of the organization where they already are one.
    EmailAddress: () => c.of([...ours.emails, stranger, `${randomUUID()}@example.test`]),
    String: () => c.of(['a name', 'another', 'a third']),
  }
  return (type, name) => {
    if (/password/i.test(name)) return c.of([PASSWORD, `${PASSWORD}8`])
    return (texts[name] ?? types[type] ?? (() => null))(name)
  }
}

/** What a header may say of the tenant: ours, theirs, or nothing. */
function headersFrom(c: Choices, { theirs }: World, caller: Caller): Record<string, string> {
  return c.chance(4) ? { ...caller.headers, 'x-tenant-id': c.of(theirs).admin.organizationId } : caller.headers
}

function count(answer: Answer, hasChanged: boolean): void {
  const codes = answer.errors.map(({ extensions }) => String(extensions.code))
  counts.served += codes.length === 0 ? 1 : 0
  counts.notFound += codes.includes('NOT_FOUND') ? 1 : 0
  counts.refused += codes.some((code) => code === 'UNAUTHENTICATED' || code === 'FORBIDDEN') ? 1 : 0
  counts.changed += hasChanged && codes.length === 0 ? 1 : 0
}

/** The ids and texts of theirs that an answer holds. */
function leaks(answer: Answer, theirs: readonly RandomTenant[]): string[] {
  const text = JSON.stringify([answer.data, answer.errors])
  return theirs.flatMap(({ ids, marker, emails }) => [...ids, ...emails, marker].filter((one) => text.includes(one)))
}

/** What is always denied to members of an organization, and what ends the caller, so that nobody could go on. */
const seldom = [schema.getQueryType(), schema.getMutationType()].flatMap((root) =>
  Object.values(root?.getFields() ?? {}).flatMap(({ name, astNode }) => {
    const isForOperators = astNode?.directives?.some((directive) => print(directive).includes('OPERATOR'))
    return isForOperators || ['logout', 'leaveOrganization', 'changePassword', 'refresh'].includes(name) ? [name] : []
  }),
)

property('no operation shows or changes what belongs to another organization', 120, () =>
  asyncProperty(tape(24), tape(120), async (tenantTape, operationTape) => {
    const current = await currentWorld(choicesFrom(tenantTape))
    const c = choicesFrom(operationTape)
    const { ours, theirs, rows } = current
    const [admin] = ours.callers
    const caller = c.of([admin!, admin!, admin!, ...ours.callers])
    const { kind, query, variables } = randomOperation(c, valuesFrom(c, current), seldom)
    const headers = headersFrom(c, current, caller)
    const answer = await server.send(query, { token: caller.token, headers, variables })
    count(answer, kind === 'mutation')
    const told = { as: caller.name, query, variables, codes: answer.errors.map(({ message }) => message) }
    const failures = answer.errors.filter(({ extensions }) => extensions.code === 'INTERNAL_SERVER_ERROR')
    expect({ ...told, leaks: leaks(answer, theirs), failures }).toEqual({ ...told, leaks: [], failures: [] })
    const now = kind === 'mutation' ? await rowsOf(owner, idsOf(theirs)) : rows
    expect({ ...told, changed: now.filter((row) => !rows.includes(row)), count: now.length }).toEqual({
      ...told,
      changed: [],
      count: rows.length,
    })
  }),
)

test('what was asked was served, not found and refused, and has changed much', () => {
  // A single operation that is looked at again says nothing of the others.
  if (asked < 100) return
  // A twentieth each, as far as so many operations can tell, and never none.
  const expected = asked * 0.05
  const fewest = Math.max(0, expected - 3 * Math.sqrt(expected))
  const isVaried = Object.values(counts).map((times) => times > fewest)
  expect({ counts, isVaried }).toEqual({ counts, isVaried: [true, true, true, true] })
})

test('what belongs to another organization would be recognized, in answers and in rows', async () => {
  const { theirs, rows } = await currentWorld(choicesFrom(new Uint8Array()))
  const [one] = theirs
  const query = '{ projects { nodes { id name } } }'
  const answer = await server.send(query, { token: one!.admin.token })
  const { id } = answer.data.projects.nodes[0] as { id: string }
  expect(leaks(answer, theirs)).toEqual(expect.arrayContaining([id, one!.marker]))
  await owner.asOwner('update projects set description = $1 where id = $2', ['changed', id])
  const now = await rowsOf(owner, idsOf(theirs))
  expect(now.filter((row) => !rows.includes(row))).toHaveLength(1)
})
