import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { StartedSigningKeys } from '../../src/principal/shared-signing-keys.ts'
import {
  readSigningKeys,
  revokeSigningKey,
  rotateSigningKey,
  type SigningKeyTable,
} from '../../src/principal/signing-key-table.ts'
import { givenDatabase, type TestDatabase } from '../database/given-database.ts'
import {
  givenClock,
  givenLog,
  lifetimeSeconds,
  publishSeconds,
  startKeys,
  tableIn,
  until,
} from './given-signing-keys.ts'
import { givenTokens, startMs, subject } from './given-tokens.ts'

let db: TestDatabase
let time: ReturnType<typeof givenClock>
let table: SigningKeyTable
let started: StartedSigningKeys[]

beforeAll(async () => {
  db = await givenDatabase()
})
beforeEach(async () => {
  await db.asOwner('delete from signing_keys')
  await db.asOwner('delete from audit_events')
  time = givenClock()
  table = tableIn(db, { clock: time.clock })
  started = []
})
afterEach(async () => {
  for (const keys of started) await keys.stop()
})
afterAll(() => db?.close())

/** An instance: nothing of it is shared with others but the database. */
async function givenInstance(settings: Parameters<typeof tableIn>[1] = { clock: time.clock }) {
  const keys = await startKeys(tableIn(db, settings))
  started.push(keys)
  return { keys, tokens: givenTokens(keys, { clock: time.now }), published: () => kidsOf(keys) }
}

const kidsOf = (keys: StartedSigningKeys) => keys.jwks().keys.map((key) => key.kid)
const rows = () => readSigningKeys(db.database)

test('instances that start at once on an empty table make one key, which signs at once', async () => {
  const instances = await Promise.all(Array.from({ length: 4 }, () => givenInstance()))
  const [row, ...others] = await rows()
  expect(others).toEqual([])
  expect(row).toMatchObject({ algorithm: 'ES256', signsFrom: new Date(startMs), signsUntil: null, revokedAt: null })
  for (const { keys, published } of instances) {
    expect([keys.signing.kid, published()]).toEqual([row?.kid, [row?.kid]])
  }
})

test('a new key is published before it signs, and the old one until its last token has expired', async () => {
  const [here, there] = [await givenInstance(), await givenInstance()]
  const first = here.keys.signing.kid
  const { kid: second } = await rotateSigningKey(table)
  await until(() => [here, there].every(({ published }) => published().includes(second)))
  time.pass(publishSeconds - 1)
  for (const { keys, published } of [here, there]) {
    expect([keys.signing.kid, published()]).toEqual([first, [first, second]])
  }
  const last = here.tokens.issue(subject).token
  time.pass(1)
  for (const { keys, published } of [here, there]) {
    expect([keys.signing.kid, published()]).toEqual([second, [second, first]])
  }
  time.pass(lifetimeSeconds - 61)
  expect(() => there.tokens.verify(last)).toThrow('expired')
  time.pass(60)
  expect(there.published()).toEqual([second, first])
  time.pass(1)
  expect([here.published(), there.published()]).toEqual([[second], [second]])
  expect(() => there.tokens.verify(last)).toThrow('not valid')
  const late = await givenInstance()
  expect(late.published()).toEqual([second])
})

test('each key set has what gateways ask of it, and the algorithm of new keys can be changed', async () => {
  const { keys } = await givenInstance()
  const { kid } = await rotateSigningKey({ ...table, algorithm: 'RS256' })
  await until(() => keys.byKid.has(kid))
  const [first, second] = keys.jwks().keys
  expect(first).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: keys.signing.kid })
  expect(second).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig', kid })
  expect(JSON.stringify(keys.jwks())).not.toMatch(/"(d|p|q|dp|dq|qi)"/)
})

test('of rotations at once one is made, and another has to wait until the new key signs', async () => {
  await givenInstance()
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => rotateSigningKey(table)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await rows()).toHaveLength(2)
  await expect(rotateSigningKey(table)).rejects.toThrow(/is published already, and signs from 20/)
  time.pass(publishSeconds)
  await rotateSigningKey(table)
  expect(await rows()).toHaveLength(3)
})

test('a rotation without any key makes the first', async () => {
  const { kid, signsFrom } = await rotateSigningKey(table)
  expect(signsFrom).toEqual(time.clock())
  expect((await givenInstance()).keys.signing.kid).toBe(kid)
})

test('long after its last token, a private key is no longer kept', async () => {
  await givenInstance()
  await rotateSigningKey(table)
  time.pass(publishSeconds + 2 * 86_400)
  await rotateSigningKey(table)
  expect((await rows()).map(({ privateKey }) => privateKey != null)).toEqual([true, true, true])
  time.pass(publishSeconds + 1)
  await rotateSigningKey(table)
  expect((await rows()).map(({ privateKey }) => privateKey != null)).toEqual([false, true, true, true])
})

test('a revoked key verifies nothing any more within a second, and another signs at once', async () => {
  const [here, there] = [await givenInstance(), await givenInstance()]
  const { token } = here.tokens.issue(subject)
  const revoked = here.keys.signing.kid
  const { kid } = await revokeSigningKey(table, revoked)
  await until(() => [here, there].every(({ keys }) => keys.signing.kid === kid))
  for (const { tokens, published } of [here, there]) {
    expect(() => tokens.verify(token)).toThrow('not valid')
    expect(published()).toEqual([kid])
  }
  there.tokens.verify(here.tokens.issue(subject).token)
  const row = (await rows()).find((one) => one.kid === revoked)
  expect(row).toMatchObject({ privateKey: null, revokedAt: time.clock(), signsUntil: time.clock() })
})

test('where the next key is published already, it takes over from one that is revoked', async () => {
  const { keys, published } = await givenInstance()
  const { kid } = await rotateSigningKey(table)
  expect((await revokeSigningKey(table, keys.signing.kid)).kid).toBe(kid)
  await until(() => keys.signing.kid === kid)
  expect(published()).toEqual([kid])
  expect((await rows()).map(({ signsUntil }) => signsUntil)).toEqual([time.clock(), null])
})

test('where a key is revoked that does not sign yet, the one before it goes on', async () => {
  const { keys, published } = await givenInstance()
  const first = keys.signing.kid
  const { kid } = await rotateSigningKey(table)
  expect((await revokeSigningKey(table, kid)).kid).toBe(first)
  time.pass(publishSeconds + lifetimeSeconds)
  await until(() => published().join() === first)
  expect(keys.signing.kid).toBe(first)
  await rotateSigningKey(table)
})

test('a key that no longer signs can be revoked, and nothing else changes', async () => {
  const { keys, published } = await givenInstance()
  const first = keys.signing.kid
  const { kid } = await rotateSigningKey(table)
  time.pass(publishSeconds)
  await until(() => keys.signing.kid === kid)
  expect((await revokeSigningKey(table, first)).kid).toBe(kid)
  await until(() => published().join() === kid)
  expect(await rows()).toHaveLength(2)
})

test('what is no key, or is revoked already, is told', async () => {
  const { keys } = await givenInstance()
  await expect(revokeSigningKey(table, 'nothing')).rejects.toThrow('There is no signing key nothing')
  const { kid } = keys.signing
  await revokeSigningKey(table, kid)
  await expect(revokeSigningKey(table, kid)).rejects.toThrow(`${kid} is revoked already, since 2026-01-01`)
})

test('each change of the keys is an audit event', async () => {
  const { keys } = await givenInstance()
  const first = keys.signing.kid
  const { kid } = await rotateSigningKey(table)
  await revokeSigningKey(table, first)
  const events = await db.asOwner(
    'select action, target_type, target_id, organization_id from audit_events order by id',
  )
  const of = { target_type: 'SigningKey', organization_id: null }
  expect(events).toEqual([
    { action: 'signing_key.created', target_id: first, ...of },
    { action: 'signing_key.created', target_id: kid, ...of },
    { action: 'signing_key.revoked', target_id: first, ...of },
  ])
})

test('an instance whose clock is behind signs with the newest key too, and with none that has retired', async () => {
  const { keys } = await givenInstance()
  await rotateSigningKey(table)
  time.pass(publishSeconds + 100)
  const behind = await givenInstance({ clock: () => new Date(time.now() - 5_000) })
  const { kid } = await revokeSigningKey(table, (await rows())[1]?.kid ?? '')
  await until(() => keys.signing.kid === kid)
  await until(() => behind.keys.signing.kid === kid)
  const { keys: first } = await givenInstance({ clock: () => new Date(startMs - 5_000) })
  expect(first.jwks().keys).toHaveLength(2)
})

test('where the next key does not open, the one before it goes on, and somebody is told', async () => {
  const { log, logged } = givenLog()
  const { keys } = await givenInstance({ clock: time.clock, log })
  const { kid } = keys.signing
  expect(keys.fault()).toBeNull()
  await rotateSigningKey(table)
  await until(() => keys.jwks().keys.length === 2)
  await db.asOwner('update signing_keys set private_key = $1 where signs_until is null', ['v1.changed'])
  await db.asOwner(`select pg_notify('tenantry_signing_keys', '')`)
  await until(() => keys.fault() !== null)
  expect(keys.fault()).toMatch(/^degraded/)
  expect(logged.join()).toContain('a signing key does not open')
  time.pass(publishSeconds)
  expect([keys.signing.kid, kidsOf(keys)]).toEqual([kid, [kid]])
})

test('keys that may not sign any more are told, and made up for by a rotation', async () => {
  const { keys } = await givenInstance()
  const { log, logged } = givenLog()
  await db.asOwner('update signing_keys set private_key = null, revoked_at = now()')
  await expect(givenInstance({ clock: time.clock, log })).rejects.toThrow('None of the signing keys may sign')
  expect(await rows()).toHaveLength(1)
  const { kid } = await rotateSigningKey(table)
  await until(() => keys.signing.kid === kid)
  expect(logged).toEqual([])
})
