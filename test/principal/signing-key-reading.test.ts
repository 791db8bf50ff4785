import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals'
import type { AccessTokens } from '../../src/principal/access-token.ts'
import type { AccessTokenClaims } from '../../src/principal/access-token-claims.ts'
import type { StartedSigningKeys } from '../../src/principal/shared-signing-keys.ts'
import { revokeSigningKey, rotateSigningKey, type SigningKeyTable } from '../../src/principal/signing-key-table.ts'
import { givenDatabase, type TestDatabase } from '../database/given-database.ts'
import { deaf, givenClock, givenFailures, givenLog, startKeys, tableIn, until } from './given-signing-keys.ts'
import { givenKeys, givenTokens, jsonOf, partsOf, secret, subject } from './given-tokens.ts'

let db: TestDatabase
let table: SigningKeyTable
let keys: StartedSigningKeys
let tokens: AccessTokens
const { clock, now } = givenClock()
const { log, logged } = givenLog()

const channel = givenFailures()

beforeAll(async () => {
  db = await givenDatabase()
})
beforeEach(async () => {
  await db.asOwner('delete from signing_keys')
  Object.assign(channel, givenFailures())
  table = tableIn(db, { clock })
  keys = await startKeys({ ...table, log, database: deaf(db.database, channel) })
  tokens = givenTokens(keys, { clock: now })
})
afterEach(() => keys.stop())
afterAll(() => db?.close())

const kidOf = (token: string) => String(jsonOf(partsOf(token)[0]).kid)
const counted = { before: 0 }
const beforeReading = async () => void (counted.before += 1)
const read = async (token: string, by = tokens): Promise<AccessTokenClaims> => by.verifyCurrent(token, beforeReading)
const readsOfTable = () => db.statements.filter((statement) => /^select .* from "signing_keys"/.test(statement)).length

/** How often the table is read meanwhile. */
async function readsDuring(work: () => Promise<unknown>): Promise<number> {
  const before = readsOfTable()
  await work()
  return readsOfTable() - before
}

/** A token of another instance, signed with a key that this one has not heard of. */
async function tokenOfNewKey(): Promise<string> {
  await revokeSigningKey(table, keys.signing.kid)
  const there = await startKeys(table)
  const { token } = givenTokens(there, { clock: now }).issue(subject)
  await there.stop()
  return token
}

/** What is longer ago than a second does not make a reading wait. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 1_050))

test('a token of a known key is verified at once, without a promise', () => {
  const claims = tokens.verifyCurrent(tokens.issue(subject).token, beforeReading)
  expect(claims).toMatchObject(subject)
  const given = givenTokens(givenKeys({ secret }))
  expect(given.verifyCurrent(given.issue(subject).token, beforeReading)).toMatchObject(subject)
})

test('for an unknown key of our own the table is read, once for many', async () => {
  const token = await tokenOfNewKey()
  await pause()
  const reads = await readsDuring(async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => read(token)))
    expect(all).toHaveLength(50)
  })
  expect(reads).toBe(1)
})

test('made-up keys make one reading a second, and none is refused before the table was read after it came', async () => {
  const { token } = givenTokens(givenKeys({ secret }), { clock: now }).issue(subject)
  await pause()
  const start = performance.now()
  const reads = await readsDuring(async () => {
    for (let round = 0; round < 4; round += 1) {
      const refused = await Promise.allSettled([read(token), read(token)])
      expect(refused.map((one) => one.status)).toEqual(['rejected', 'rejected'])
    }
  })
  const seconds = (performance.now() - start) / 1_000
  expect(reads).toBe(4)
  expect(seconds).toBeGreaterThan(2.9)
})

test('what another issuer says, or is of a key that has ended, or is refused for anything but its key, makes no reading', async () => {
  const foreign = givenTokens(givenKeys({ secret }), { clock: now, issuer: 'somebody else' }).issue(subject).token
  const late = givenTokens(keys, { clock: () => now() - 10_000_000 }).issue(subject).token
  const ended = tokens.issue(subject).token
  await revokeSigningKey(table, keys.signing.kid)
  channel.listening?.onMessage('')
  await until(() => keys.shared?.hasEnded(kidOf(ended)) === true)
  counted.before = 0
  const reads = await readsDuring(async () => {
    for (const token of [ended, foreign, late, `${tokens.issue(subject).token.slice(0, -8)}AAAAAAAA`, 'nonsense']) {
      await expect(read(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    }
  })
  expect([reads, counted.before]).toEqual([0, 0])
})

test('with the channel cut, a revoked key is refused within a second; ordinary tokens make one reading a second', async () => {
  channel.live = false
  const { token } = tokens.issue(subject)
  await pause()
  const reads = await readsDuring(async () => {
    for (let round = 0; round < 20; round += 1) expect(await read(token)).toMatchObject(subject)
  })
  expect(reads).toBe(1)
  await revokeSigningKey(table, keys.signing.kid)
  await pause()
  await expect(read(token)).rejects.toMatchObject({ extensions: { reason: 'INVALID' } })
})

test('with the channel cut, an unknown key is read of too', async () => {
  const token = await tokenOfNewKey()
  channel.live = false
  expect(await read(token)).toMatchObject(subject)
})

test('a request that must not make the database work is refused before it does', async () => {
  const token = await tokenOfNewKey()
  const refuse = async () => {
    throw new Error('too many')
  }
  expect(await readsDuring(async () => expect(tokens.verifyCurrent(token, refuse)).rejects.toThrow('too many'))).toBe(0)
})

test('while changes may be missed and the database is away, nothing is accepted', async () => {
  const { token } = tokens.issue(subject)
  await pause()
  Object.assign(channel, { live: false, broken: true })
  await expect(read(token)).rejects.toThrow('the database is away')
  await expect(read(token)).rejects.toThrow('the database is away')
  channel.broken = false
  await pause()
  expect(await read(token)).toMatchObject(subject)
})

test('a reading that fails is told, and what was held goes on', async () => {
  const { kid } = keys.signing
  channel.broken = true
  channel.listening?.onMessage('')
  await until(() => logged.some((line) => line.includes('the signing keys could not be read again')))
  expect(keys.signing.kid).toBe(kid)
})

test('what is notified while the table is being read is read again', async () => {
  channel.listening?.onMessage('')
  const { kid } = await rotateSigningKey(table)
  const reads = await readsDuring(async () => {
    for (let time = 0; time < 20; time += 1) channel.listening?.onMessage('')
    await until(() => keys.byKid.has(kid))
  })
  expect(reads).toBeLessThanOrEqual(2)
})

test('once a minute the table is read in any case', async () => {
  await keys.stop()
  jest.useFakeTimers({
    doNotFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'performance'],
  })
  keys = await startKeys({ ...table, log, database: deaf(db.database, channel) })
  const { kid } = await rotateSigningKey(table)
  expect(keys.byKid.has(kid)).toBe(false)
  jest.advanceTimersByTime(60_000)
  jest.useRealTimers()
  await until(() => keys.byKid.has(kid))
})
