import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { dumpOf } from '../database/given-database.ts'
import { cursorPlaces, idPlaces, operations, variablesOf, type Operation, type Place } from './given-sweep.ts'
import { ask, givenTwoOrganizations, masked, verdictOf, type Sweeping } from './given-two-organizations.ts'

let sweeping: Sweeping
let theirs: { organizationId: string }

beforeAll(async () => {
  sweeping = await givenTwoOrganizations()
  theirs = sweeping.theirs.admin
})
afterAll(() => sweeping?.close())

const all = operations()
const withIds = all.filter((operation) => idPlaces(operation).length > 0)
const withCursors = all.filter((operation) => cursorPlaces(operation).length > 0)
const named = (some: readonly Operation[]) => some.map((operation) => [operation.coordinate, operation] as const)

/** What an operation must be given so that it gets as far as the id; everything else is generated. */
const known: Record<string, () => Record<string, unknown>> = {
  'Mutation.login': () => ({ email: sweeping.ours.admin.email, password: sweeping.ours.admin.password }),
}

/** The variables with an id at one place, and our own ids at the others that take one: each combination of kinds. */
function candidates(operation: Operation, place: Place, id: string): Record<string, unknown>[] {
  const others = idPlaces(operation).filter(
    (other) => other.path.join() !== place.path.join() && other.path.at(-1) !== 'actorId',
  )
  const own = others.length > 0 ? Object.values(sweeping.ours.ids) : ['']
  return own.map((ownId) => {
    const variables = variablesOf(operation, ownId, others) as Record<string, Record<string, unknown>>
    Object.assign(variables.input ?? {}, known[operation.coordinate]?.())
    place.path.slice(0, -1).reduce<Record<string, unknown>>((at, key) => (at[key] ??= {}) as never, variables)[
      place.path.at(-1)!
    ] = id
    return variables
  })
}

const everything = () => [
  ...Object.values(sweeping.theirs.ids),
  sweeping.theirs.admin.userId,
  sweeping.theirs.admin.email,
]

/** Codes that would mean that the sweep did not get as far as the id. */
const NOT_ASKED = /GRAPHQL_|OPERATION_TOO_LARGE|BAD_REQUEST|INTERNAL_SERVER_ERROR|RATE_LIMITED|TIMEOUT/

test.each(named(withIds))("%s answers another organization's id as one that does not exist", async (_, operation) => {
  const before = await dumpOf(sweeping.owner, theirs)
  const token = sweeping.ours.admin.token
  for (const place of idPlaces(operation)) {
    const unknown = randomUUID()
    const expected: string[] = []
    for (const variables of candidates(operation, place, unknown)) {
      const answer = await ask(sweeping.server, operation, { token, variables })
      expect(verdictOf(answer)).not.toMatch(NOT_ASKED)
      expected.push(masked(answer, unknown))
    }
    for (const [kind, id] of Object.entries(sweeping.theirs.ids)) {
      for (const spelling of [id, id.toUpperCase()]) {
        const answers: string[] = []
        for (const variables of candidates(operation, place, spelling)) {
          answers.push(masked(await ask(sweeping.server, operation, { token, variables }), spelling, id))
        }
        expect([kind, ...answers]).toEqual([kind, ...expected])
      }
    }
  }
  expect(await dumpOf(sweeping.owner, theirs)).toBe(before)
})

test.each(named(withCursors))('%s shows nothing of another organization beyond its cursors', async (_, operation) => {
  const token = sweeping.ours.admin.token
  const counted = async (variables: Record<string, unknown>, as = token) => {
    const answer = await ask(sweeping.server, operation, { token: as, variables })
    const connection = operation.path.reduce((at, name) => at?.[name], answer.data)
    return { answer, connection }
  }
  const { connection: foreign } = await counted({ first: 1 }, sweeping.theirs.admin.token)
  const { connection: own } = await counted({})
  const cursor = (foreign?.pageInfo.endCursor ?? Buffer.from('none').toString('base64url')) as string
  for (const { path } of cursorPlaces(operation)) {
    const { answer, connection } = await counted({ [path[0]!]: cursor })
    expect(everything().filter((mark) => masked(answer).includes(mark))).toEqual([])
    if (connection) expect(connection.totalCount).toBe(own.totalCount)
  }
})

test.each(named(all))(
  '%s under X-Tenant-Id of another organization is refused as under an unknown one',
  async (_, operation) => {
    const before = await dumpOf(sweeping.owner, theirs)
    const as = (tenant: string) =>
      ask(sweeping.server, operation, { token: sweeping.ours.admin.token, headers: { 'x-tenant-id': tenant } })
    const unknown = randomUUID()
    const answer = await as(theirs.organizationId)
    expect(verdictOf(answer)).toBe('FORBIDDEN')
    expect(masked(answer, theirs.organizationId)).toBe(masked(await as(unknown), unknown))
    expect(masked(await as('not an id'))).toBe(masked(answer))
    expect(await dumpOf(sweeping.owner, theirs)).toBe(before)
  },
)

test('our own ids are answered otherwise: the sweep does ask', async () => {
  const reading = withIds.filter(({ kind, path }) => kind === 'query' && path.length === 1)
  const token = sweeping.ours.admin.token
  const found = new Set<string>()
  for (const operation of reading) {
    for (const place of idPlaces(operation)) {
      const unknown = randomUUID()
      const nothing = masked(await ask(sweeping.server, operation, { token, value: unknown, places: [place] }), unknown)
      for (const id of Object.values({ ...sweeping.ours.ids, admin: sweeping.ours.admin.userId })) {
        const answer = await ask(sweeping.server, operation, { token, value: id, places: [place] })
        if (masked(answer, id) !== nothing) found.add(operation.coordinate)
      }
    }
  }
  expect([...found].sort()).toEqual(reading.map(({ coordinate }) => coordinate).sort())
})
