import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Database, Listening } from '../../src/database/database.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { createLogger } from '../../src/http/log.ts'
import type { UserTokenClaims } from '../../src/principal/access-token-claims.ts'
import { Revocation } from '../../src/principal/revocation.entity.ts'
import { startRevocations, type Revocations } from '../../src/principal/revocations.ts'
import { startServer, type TestServer } from '../harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const writing = { door: 'authentication', organizationId: null, readOnly: false } as const

/** An instance that hears only what a test tells it, on the server's database. */
async function givenInstance() {
  const { database } = server.app.services
  const logged: string[] = []
  let broken = false
  let listening: Listening | undefined
  const reached: Database = {
    ...database,
    get orm() {
      if (broken) throw new Error('The database is gone')
      return database.orm
    },
    async listen(_channel, given) {
      listening = given
      await given.onConnected()
      return { isLive: () => true, stop: async () => undefined }
    },
  }
  const revocations = await startRevocations({
    database: reached,
    log: createLogger('info', { write: (line: string) => void logged.push(line) }),
    clock: () => new Date(),
    lifetimeSeconds: 60,
  })
  return { revocations, logged, hears: listening!, breakDatabase: () => void (broken = true) }
}

const claimsOf = (organization: string) =>
  ({
    kind: 'USER',
    jti: randomUUID(),
    sid: randomUUID(),
    sub: randomUUID(),
    userVersion: 1,
    membership: null,
    organization,
  }) as UserTokenClaims
const suspend = (revocations: Revocations, subjectId: string) =>
  inTransaction(server.app.services.database, writing, (em) =>
    revocations.add(em, [{ kind: 'ORGANIZATION', subjectId, belowVersion: null }]),
  )
const isInTable = (subjectId: string) =>
  inTransaction(server.app.services.database, writing, (em) => em.count(Revocation, { subjectId }))

test('a lift is in force where it was made when it has committed, and not if it does not', async () => {
  const { revocations } = await givenInstance()
  const organization = randomUUID()
  await suspend(revocations, organization)
  const failing = inTransaction(server.app.services.database, writing, async (em) => {
    await revocations.lift(em, { kind: 'ORGANIZATION', subjectId: organization })
    throw new Error('for another reason')
  })
  await expect(failing).rejects.toThrow('for another reason')
  expect(revocations.isRevoked(claimsOf(organization))).toBe(true)

  await inTransaction(server.app.services.database, writing, (em) =>
    revocations.lift(em, { kind: 'ORGANIZATION', subjectId: organization }),
  )
  expect(revocations.isRevoked(claimsOf(organization))).toBe(false)
  expect(await isInTable(organization)).toBe(0)
  await revocations.stop()
})

test('an instance that was not listening when a revocation was lifted learns of it when it listens again', async () => {
  const [here, there] = [await givenInstance(), await givenInstance()]
  const organization = randomUUID()
  await suspend(here.revocations, organization)
  await there.hears.onConnected()
  expect(there.revocations.isRevoked(claimsOf(organization))).toBe(true)
  await inTransaction(server.app.services.database, writing, (em) =>
    here.revocations.lift(em, { kind: 'ORGANIZATION', subjectId: organization }),
  )
  expect(there.revocations.isRevoked(claimsOf(organization))).toBe(true)
  await there.hears.onConnected()
  expect(there.revocations.isRevoked(claimsOf(organization))).toBe(false)
  await here.revocations.stop()
  await there.revocations.stop()
})

test('what is heard of while the table is read again is not forgotten', async () => {
  const { revocations, hears } = await givenInstance()
  const organization = randomUUID()
  const reading = hears.onConnected()
  // Heard, and not yet in the table as it is read: the transaction of another instance has just committed.
  const entry = { kind: 'ORGANIZATION', subjectId: organization, belowVersion: null, expiresAt: Date.now() + 60_000 }
  await Promise.resolve()
  hears.onMessage(JSON.stringify([entry]))
  await reading
  expect(revocations.isRevoked(claimsOf(organization))).toBe(true)
  await revocations.stop()
})

test('where the table cannot be read again, everything stays revoked, and the log says so', async () => {
  const { revocations, hears, logged, breakDatabase } = await givenInstance()
  const organization = randomUUID()
  await suspend(revocations, organization)
  breakDatabase()
  hears.onMessage('{"lifted":true}')
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(revocations.isRevoked(claimsOf(organization))).toBe(true)
  expect(logged.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'the revocations could not be read again',
  ])
  await revocations.stop()
})
