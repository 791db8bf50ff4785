import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import { CLOCK_ERROR_SECONDS } from '../../src/clock.ts'
import { startServer, type TestServer } from '../harness.ts'
import { until } from './given-signing-keys.ts'
import { anOrganization, claimsIn, givenInstance, holdIntervals, LIFETIME_SECONDS } from './given-revocations.ts'

type Instance = Awaited<ReturnType<typeof givenInstance>>

let server: TestServer
let here: Instance
const given: Instance[] = []
const anInstance = async () => {
  const instance = await givenInstance(server.app.services.database)
  given.push(instance)
  return instance
}

beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  here = await anInstance()
})
afterEach(async () => {
  for (const { revocations } of given.splice(0)) await revocations.stop()
})
afterAll(() => server?.close())

const isRevoked = ({ revocations }: Pick<Instance, 'revocations'>, { subjectId }: { subjectId: string }) =>
  revocations.isRevoked(claimsIn(subjectId))

test('a lift is in force where it was made when it has committed, and not if it does not', async () => {
  const suspended = anOrganization()
  await here.add(suspended)
  const failing = here.writing(async (em) => {
    await here.revocations.lift(em, suspended)
    throw new Error('for another reason')
  })
  await expect(failing).rejects.toThrow('for another reason')
  expect(isRevoked(here, suspended)).toBe(true)

  await here.lift(suspended)
  expect(isRevoked(here, suspended)).toBe(false)
  expect(await here.inTable(suspended.subjectId)).toBe(0)
})

test('a lift is of one alone', async () => {
  const [one, other] = [anOrganization(), anOrganization()]
  await here.add(one, other)
  await here.lift(one)
  expect(await here.inTable(other.subjectId)).toBe(1)
  expect(isRevoked(await anInstance(), other)).toBe(true)
})

test('a lift is told to those who listen', async () => {
  const { revocations } = server.app.services
  const suspended = anOrganization()
  await here.add(suspended)
  await until(() => isRevoked({ revocations }, suspended) === true)
  await here.lift(suspended)
  await until(() => isRevoked({ revocations }, suspended) === false)
})

test('an instance that was not listening when a revocation was lifted learns of it when it listens again', async () => {
  const there = await anInstance()
  const suspended = anOrganization()
  await here.add(suspended)
  await there.hears.onConnected()
  expect(isRevoked(there, suspended)).toBe(true)
  await here.lift(suspended)
  expect(isRevoked(there, suspended)).toBe(true)
  await there.hears.onConnected()
  expect(isRevoked(there, suspended)).toBe(false)
})

test('what is heard of while the table is read again is not forgotten', async () => {
  const suspended = anOrganization()
  const reading = here.hears.onConnected()
  // Heard, and not yet in the table as it is read: the transaction of another instance has just committed.
  const entry = { ...suspended, expiresAt: Date.now() + 60_000 }
  await Promise.resolve()
  here.hears.onMessage(JSON.stringify([entry]))
  await reading
  expect(isRevoked(here, suspended)).toBe(true)
})

test('where the table cannot be read again, everything stays revoked, and the log says so', async () => {
  const suspended = anOrganization()
  await here.add(suspended)
  here.channel.broken = true
  here.hears.onMessage('{"lifted":true}')
  await sleep(50)
  expect(isRevoked(here, suspended)).toBe(true)
  expect(here.logged).toEqual([
    expect.objectContaining({
      msg: 'the revocations could not be read again',
      err: expect.objectContaining({ message: 'the database is away' }),
    }),
  ])
})

test('many lifts that are heard of at once make one reading', async () => {
  const usesFor = async (lifts: number) => {
    const before = here.channel.begun
    for (let lift = 0; lift < lifts; lift += 1) here.hears.onMessage('{"lifted":true}')
    await sleep(100)
    return here.channel.begun - before
  }
  const one = await usesFor(1)
  expect(one).toBeGreaterThan(0)
  expect(await usesFor(20)).toBe(one)
  expect(await usesFor(1)).toBe(one)
})

test('a notification that cannot be read is told, with its channel', () => {
  here.hears.onMessage('made up')
  expect(here.logged).toEqual([
    expect.objectContaining({ msg: 'a notification could not be read', channel: 'tenantry_revocations' }),
  ])
})

test('what ends all tokens of a user is not narrowed by what ends the older ones', async () => {
  const claims = { ...claimsIn(), userVersion: 9 }
  const all = { kind: 'USER', subjectId: claims.sub, belowVersion: null } as const
  await here.add({ ...all, belowVersion: 9 })
  expect(here.revocations.isRevoked(claims)).toBe(false)
  await here.add({ ...all, belowVersion: 10 }, { ...all, belowVersion: 3 })
  expect(here.revocations.isRevoked(claims)).toBe(true)
  expect(here.revocations.isRevoked({ ...claims, userVersion: 10 })).toBe(false)
  await here.add(all, { ...all, belowVersion: 3 })
  expect(here.revocations.isRevoked({ ...claims, userVersion: 10 })).toBe(true)
})

test('more than one notification holds is written and told in several', async () => {
  const { revocations } = server.app.services
  const many = Array.from({ length: 130 }, anOrganization)
  await here.add(...many)
  for (const one of many) {
    expect(isRevoked(here, one)).toBe(true)
    await until(() => isRevoked({ revocations }, one) === true)
  }
  const counts = await Promise.all([many[0], many[49], many[50], many[129]].map((one) => here.inTable(one!.subjectId)))
  expect(counts).toEqual([1, 1, 1, 1])
})

test('a token that is revoked again is held no longer for it', async () => {
  const claims = claimsIn()
  const revoke = () => here.writing((em) => here.revocations.addToken(em, claims.jti))
  expect(await revoke()).toBe(true)
  here.advance(LIFETIME_SECONDS)
  expect(await revoke()).toBe(false)
  here.advance(CLOCK_ERROR_SECONDS - 1)
  expect(here.revocations.isRevoked(claims)).toBe(true)
  here.advance(1)
  expect(here.revocations.isRevoked(claims)).toBe(false)
})

test('the table, too, ends nothing by an entry that has expired', async () => {
  const suspended = anOrganization()
  await here.add(suspended)
  here.channel.live = false
  expect(here.revocations.isLive()).toBe(false)
  here.advance(LIFETIME_SECONDS + CLOCK_ERROR_SECONDS - 1)
  expect(await isRevoked(here, suspended)).toBe(true)
  here.advance(1)
  expect(await isRevoked(here, suspended)).toBe(false)
})

const CLEANING_MS = 600_000
const KEPT_SECONDS = LIFETIME_SECONDS + CLOCK_ERROR_SECONDS

/** Instances whose cleaning a test lets come. */
async function withCleaning(work: (own: Instance, pass: (ms: number) => Promise<unknown>) => Promise<void>) {
  const pass = holdIntervals()
  try {
    await work(await anInstance(), pass)
  } finally {
    jest.useRealTimers()
  }
}

test('what has expired is forgotten, in memory too, and nothing else', () =>
  withCleaning(async (own, pass) => {
    const [old, alive] = [anOrganization(), anOrganization()]
    await own.add(old)
    own.advance(KEPT_SECONDS + 1)
    await own.add(alive)
    await pass(CLEANING_MS)
    expect(isRevoked(own, alive)).toBe(true)
    expect([await own.inTable(old.subjectId), await own.inTable(alive.subjectId)]).toEqual([0, 1])
    // By its own clock it would be held still.
    own.advance(-KEPT_SECONDS)
    expect(isRevoked(own, old)).toBe(false)
  }))

test('where the table cannot be cleaned, the log says so; who has stopped does not try', () =>
  withCleaning(async (own, pass) => {
    own.channel.broken = true
    await pass(CLEANING_MS)
    const told = expect.objectContaining({
      msg: 'old revocations could not be removed',
      err: expect.objectContaining({ message: 'the database is away' }),
    })
    expect(own.logged).toEqual([told])
    await own.revocations.stop()
    expect(own.channel.stopped).toBe(true)
    await pass(CLEANING_MS)
    expect(own.logged).toEqual([told])
  }))

test.each([
  ['memory', true],
  ['the table', false],
])('by %s, a token is ended by what is said of it, and by nothing else', async (_, isLive) => {
  here.channel.live = isLive
  const { revocations } = here
  const claims = { ...claimsIn(randomUUID()), membership: randomUUID(), membershipVersion: 2, userVersion: 2 }
  const about = [
    ['TOKEN', claims.jti, null],
    ['SESSION', claims.sid, null],
    ['USER', claims.sub, 3],
    ['MEMBERSHIP', claims.membership, 3],
    ['ORGANIZATION', claims.organization!, null],
  ] as const
  for (const [kind, subjectId, belowVersion] of about) {
    const entry = { kind, subjectId, belowVersion }
    // Of somebody else, of another kind, or of tokens that are older.
    await here.add({ ...entry, subjectId: randomUUID() }, { ...entry, kind: kind === 'TOKEN' ? 'USER' : 'TOKEN' })
    if (belowVersion !== null) await here.add({ ...entry, belowVersion: belowVersion - 1 })
    expect(await revocations.isRevoked(claims)).toBe(false)
    await here.add(entry)
    expect(await revocations.isRevoked(claims)).toBe(true)
    await here.lift(entry)
  }
})

test('what ends a user ends no token of an API key', async () => {
  const { kind: _, ...claims } = claimsIn(randomUUID())
  await here.add({ kind: 'USER', subjectId: claims.sub, belowVersion: null })
  const asKey = { ...claims, kind: 'API_KEY' } as unknown as Parameters<typeof here.revocations.isRevoked>[0]
  expect(here.revocations.isRevoked(asKey)).toBe(false)
})
