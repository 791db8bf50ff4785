import type { EntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'
import { advisoryLocks } from '../database/advisory-locks.ts'
import type { Database } from '../database/database.ts'
import { inTransaction } from '../database/tenancy.ts'
import { audit, theServerItself } from '../modules/audit-event/audit-event.service.ts'
import { SigningKey, type SigningKeyAlgorithm, type SigningKeyRow } from './signing-key.entity.ts'
import { makeKeyPair, openKeyPair, type NewKey } from './signing-key-pairs.ts'
import type { KeySealing } from './signing-key-sealing.ts'

/** Where instances are told that the keys have changed. Not how: a made-up notification must not change them. */
export const SIGNING_KEYS_CHANNEL = 'tenantry_signing_keys'

/** After as long as this no token of a key lives, whatever ACCESS_TOKEN_TTL_SECONDS was: its private half is removed. */
const FORGOTTEN_AFTER_MS = 2 * 86_400_000

/** The table of the keys, and what it takes to change it. */
export interface SigningKeyTable {
  readonly database: Database
  readonly log: Logger
  readonly clock: () => Date
  readonly sealing: KeySealing
  /** Of new keys. */
  readonly algorithm: SigningKeyAlgorithm
  /** How long a new key is published before it signs. */
  readonly publishSeconds: number
}

interface Change {
  em: EntityManager
  /** All keys, in the order in which they sign. */
  rows: SigningKeyRow[]
  now: Date
}

// Of two that are made and sign from the same moment on, the one that has ended is the earlier; PostgreSQL puts null last.
const inOrder = { orderBy: { signsFrom: 'asc', createdAt: 'asc', signsUntil: 'asc' } } as const
const lives = (row: SigningKeyRow) => row.revokedAt == null
const isLast = (row: SigningKeyRow) => row.signsUntil == null

/** All keys, revoked and retired ones too, in the order in which they sign. */
export function readSigningKeys(database: Database): Promise<SigningKeyRow[]> {
  return inTransaction(database, { door: 'authentication', organizationId: null, readOnly: true }, (em) =>
    em.find(SigningKey, {}, inOrder),
  )
}

/** Changes the keys, one after another, and tells every instance when that has committed. */
function change<T>({ database, clock }: SigningKeyTable, work: (change: Change) => Promise<T>): Promise<T> {
  return inTransaction(database, { door: 'authentication', organizationId: null, readOnly: false }, async (em) => {
    await em.execute('select pg_advisory_xact_lock(?)', [advisoryLocks.signingKeys])
    const result = await work({ em, rows: await em.find(SigningKey, {}, inOrder), now: clock() })
    await em.flush()
    await em.execute('select pg_notify(?, ?)', [SIGNING_KEYS_CHANNEL, ''])
    return result
  })
}

function record(table: SigningKeyTable, em: EntityManager, action: string, { kid, ...row }: SigningKeyRow) {
  const details = { algorithm: row.algorithm, signsFrom: row.signsFrom.toISOString() }
  const happening = { action, organizationId: null, target: { type: 'SigningKey', id: kid }, details }
  return audit(theServerItself(table.log, table.clock), em, happening)
}

async function add(table: SigningKeyTable, { em, now }: Change, key: NewKey, signsFrom: Date): Promise<SigningKeyRow> {
  const row = em.create(SigningKey, { ...key, createdAt: now, signsFrom })
  await em.flush()
  await record(table, em, 'signing_key.created', row)
  return row
}

/** A secret that does not open the keys that there are must not seal another: no instance would open all of them. */
function assertOpen(rows: readonly SigningKeyRow[], sealing: KeySealing): void {
  for (const row of rows) if (lives(row) && row.privateKey != null) openKeyPair(row, sealing)
}

/** Makes the first key, which signs at once, where there is none; of several instances, one does. */
export async function makeFirstSigningKey(table: SigningKeyTable): Promise<void> {
  const key = await makeKeyPair(table.algorithm, table.sealing)
  await change(table, async (changing) => {
    if (changing.rows.length === 0) await add(table, changing, key, changing.now)
  })
}

/**
 * Makes a new key: published from now on, and signing after the delay. The one before it signs until then, and verifies for
 * as long as its tokens live. Where no key signs, the new one signs at once.
 * @returns the new key
 * @throws Error where the newest does not sign yet, or a key does not open.
 */
export async function rotateSigningKey(table: SigningKeyTable): Promise<SigningKeyRow> {
  const key = await makeKeyPair(table.algorithm, table.sealing)
  return change(table, async (changing) => {
    const { rows, now } = changing
    forgetOld(rows, now)
    assertOpen(rows, table.sealing)
    const last = rows.filter(lives).find(isLast)
    if (!last) return add(table, changing, key, now)
    if (last.signsFrom > now) {
      throw new Error(`${last.kid} is published already, and signs from ${last.signsFrom.toISOString()}`)
    }
    const signsFrom = new Date(now.getTime() + table.publishSeconds * 1_000)
    last.signsUntil = signsFrom
    return add(table, changing, key, signsFrom)
  })
}

function forgetOld(rows: readonly SigningKeyRow[], now: Date): void {
  for (const row of rows) {
    if (row.signsUntil && now.getTime() - row.signsUntil.getTime() > FORGOTTEN_AFTER_MS) row.privateKey = null
  }
}

/**
 * Ends a key and with it every token that it has signed, on every instance as soon as that has committed. Where it was
 * signing, the one that is published already signs at once, else a new one; where it was not to sign yet, the one before it
 * goes on.
 * @param secretLost also where keys do not open: the secret that they were sealed with is lost
 * @returns the key that signs from now on
 * @throws Error where there is no such key, or it is revoked already, or a key does not open.
 */
export async function revokeSigningKey(
  table: SigningKeyTable,
  kid: string,
  { secretLost = false } = {},
): Promise<SigningKeyRow> {
  const key = await makeKeyPair(table.algorithm, table.sealing)
  return change(table, async (changing) => {
    const { em, rows, now } = changing
    const revoked = rows.find((row) => row.kid === kid)
    if (!revoked) throw new Error(`There is no signing key ${kid}`)
    if (revoked.revokedAt) throw new Error(`${kid} is revoked already, since ${revoked.revokedAt.toISOString()}`)
    if (!secretLost) assertOpen(rows, table.sealing)
    Object.assign(revoked, { revokedAt: now, privateKey: null })
    await record(table, em, 'signing_key.revoked', revoked)
    return succeed(revoked, changing, () => add(table, changing, key, now))
  })
}

/** Sees to it that a key signs after one has been revoked. @returns that key */
async function succeed(
  revoked: SigningKeyRow,
  { rows, now }: Change,
  addNew: () => Promise<SigningKeyRow>,
): Promise<SigningKeyRow> {
  const living = rows.filter(lives)
  const signing = living.find((row) => row.signsFrom <= now && (!row.signsUntil || row.signsUntil > now))
  const last = living.find(isLast)
  if (signing) {
    if (!last) signing.signsUntil = null
    return signing
  }
  if (last) last.signsFrom = now
  if (revoked.signsUntil == null || revoked.signsUntil > now) revoked.signsUntil = now
  return last ?? addNew()
}
