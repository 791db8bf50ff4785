import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { AccessTokens } from '../../src/principal/access-token.ts'
import type { StartedSigningKeys } from '../../src/principal/shared-signing-keys.ts'
import { revokeSigningKey, type SigningKeyTable } from '../../src/principal/signing-key-table.ts'
import { givenDatabase, type TestDatabase } from '../database/given-database.ts'
import { deaf, givenClock, givenFailures, givenLog, startKeys, tableIn, until } from './given-signing-keys.ts'
import { givenTokens, subject } from './given-tokens.ts'

let db: TestDatabase
let table: SigningKeyTable
let keys: StartedSigningKeys
let tokens: AccessTokens
let logged: string[]
let counted = 0
const { clock, now } = givenClock()
const failures = givenFailures()

beforeAll(async () => {
  db = await givenDatabase()
})
beforeEach(async () => {
  await db.asOwner('delete from signing_keys')
  Object.assign(failures, givenFailures())
  const telling = givenLog()
  logged = telling.logged
  table = tableIn(db, { clock })
  keys = await startKeys({ ...table, log: telling.log, database: deaf(db.database, failures) })
  tokens = givenTokens(keys, { clock: now })
  counted = 0
})
afterEach(() => keys.stop())
afterAll(() => db?.close())

const notify = () => failures.listening?.onMessage('')
const verify = (token: string) => tokens.verifyCurrent(token, async () => void (counted += 1))
const told = (text: string) => logged.filter((line) => line.includes(text)).length
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A token whose key is revoked, which cannot be read. */
async function givenUnreadRevocation(): Promise<string> {
  const { token } = tokens.issue(subject)
  failures.broken = true
  await revokeSigningKey(table, keys.signing.kid)
  notify()
  await until(() => told('could not be read') > 0)
  return token
}

test('a reading that fails leaves no revoked key accepted', async () => {
  const token = await givenUnreadRevocation()
  expect(keys.shared?.isLive()).toBe(false)
  await expect(verify(token)).rejects.toThrow('the database is away')
  failures.broken = false
  await pause(550)
  await expect(verify(token)).rejects.toMatchObject({ extensions: { reason: 'INVALID' } })
})

test('after one, what is asked at once is read for once, and what still holds is accepted', async () => {
  const { token } = tokens.issue(subject)
  failures.broken = true
  notify()
  await until(() => keys.shared?.isLive() === false)
  await pause(550)
  failures.broken = false
  const before = failures.begun
  const all = await Promise.all(Array.from({ length: 50 }, async () => verify(token)))
  expect([all.length, failures.begun - before, counted]).toEqual([50, 1, 50])
  expect(keys.shared?.isLive()).toBe(true)
  expect(verify(token)).toMatchObject(subject)
  expect(counted).toBe(50)
})

test('after one, it is read again each second until that succeeds, whether anybody asks or not', async () => {
  const { signing } = keys
  await givenUnreadRevocation()
  const before = failures.begun
  await pause(2_500)
  // Two, unless the machine is busy.
  expect([1, 2]).toContain(failures.begun - before)
  expect([keys.signing.kid, told('could not be read')]).toEqual([signing.kid, 1])
  failures.broken = false
  await until(() => keys.shared?.isLive() === true, 1_500)
  expect(keys.byKid.has(signing.kid)).toBe(false)
  const after = failures.begun
  await pause(1_300)
  expect([failures.begun - after, told('have been read again')]).toEqual([0, 1])
})

test('readiness is told as long as it lasts: nothing can be verified meanwhile', async () => {
  expect(keys.fault()).toBeNull()
  await givenUnreadRevocation()
  expect(keys.fault()).toBe('unavailable: the signing keys of the database cannot be read')
  failures.broken = false
  await until(() => keys.fault() === null, 1_500)
})

test('nothing is read any more after a stop', async () => {
  await givenUnreadRevocation()
  await keys.stop()
  const before = failures.begun
  await pause(1_300)
  expect(failures.begun).toBe(before)
})

test('an instance that does not start reads nothing any more', async () => {
  const database = deaf(db.database, failures)
  const listen: typeof database.listen = (...listening) => {
    failures.broken = true
    return database.listen(...listening)
  }
  await expect(startKeys({ ...table, database: { ...database, listen } })).rejects.toThrow('the database is away')
  const before = failures.begun
  await pause(1_300)
  expect(failures.begun).toBe(before)
})

test('a reading that takes long, as where no connection is free, leaves no revoked key accepted beyond a second', async () => {
  const { token } = tokens.issue(subject)
  let free = () => {}
  failures.busy = new Promise((resolve) => void (free = resolve))
  await revokeSigningKey(table, keys.signing.kid)
  for (let time = 0; time < 20; time += 1) notify()
  expect(keys.shared?.isLive()).toBe(true)
  await pause(550)
  expect(keys.shared?.isLive()).toBe(false)
  const refused = expect(verify(token)).rejects.toMatchObject({ extensions: { reason: 'INVALID' } })
  await pause(200)
  free()
  await refused
  await until(() => keys.shared?.isLive() === true)
})

test('where no key may sign any more, nothing can be signed or verified, and readiness is told', async () => {
  await db.asOwner('update signing_keys set private_key = $1', ['v1.changed'])
  notify()
  await until(() => keys.fault() !== null)
  expect(keys.fault()).toBe('unavailable: none of the signing keys of the database may sign')
  expect(() => tokens.issue(subject)).toThrow('None of the signing keys may sign')
  await db.asOwner('delete from signing_keys')
  notify()
  await until(() => told('does not open') === 1)
  await pause(50)
  expect(keys.fault()).toBe('unavailable: none of the signing keys of the database may sign')
})
