import type { EntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'
import { newId } from '../database/columns.ts'
import type { Database, Listener } from '../database/database.ts'
import { afterCommit, inTransaction } from '../database/tenancy.ts'
import type { AccessTokenClaims } from './access-token.ts'
import { Revocation, type RevocationKind } from './revocation.entity.ts'

const CHANNEL = 'tenantry_revocations'
/** A notification holds 8,000 bytes at most; an entry is some 120. */
const ENTRIES_A_MESSAGE = 50
const CLEANING_INTERVAL_MS = 600_000

/** One subject whose access tokens end: all of them, or those that carry a lower version. */
export interface RevocationEntry {
  kind: RevocationKind
  subjectId: string
  belowVersion: number | null
}

type Held = RevocationEntry & { expiresAt: number }

/**
 * What access tokens are no longer accepted for, known to every instance without a read per request: each holds the
 * entries of the table in memory, read when it starts and kept up by notifications. While those may be lost, the
 * database is asked instead.
 */
export interface Revocations {
  /** Whether the token has been revoked since it was issued. A promise only while the database has to be asked. */
  isRevoked(claims: AccessTokenClaims): boolean | Promise<boolean>
  /** Records revocations in the transaction of `em`: in force on this instance when it has committed, on others at once after. */
  add(em: EntityManager, entries: readonly RevocationEntry[]): Promise<void>
  isLive(): boolean
  stop(): Promise<void>
}

interface RevocationSettings {
  database: Database
  log: Logger
  clock: () => Date
  /** An entry is needed for as long as a token that it is about could be accepted. */
  lifetimeSeconds: number
}

/** The entries that would end this token, and the version that it carries of each. */
function concerning(claims: AccessTokenClaims): [kind: RevocationKind, subjectId: string, version: number][] {
  return [
    ['SESSION', claims.sid, 0],
    ['USER', claims.sub, claims.userVersion],
    ...(claims.membership ? ([['MEMBERSHIP', claims.membership, claims.membershipVersion]] as const) : []),
    ...(claims.organization ? ([['ORGANIZATION', claims.organization, 0]] as const) : []),
  ].map((entry) => entry as [RevocationKind, string, number])
}

const ends = (entry: { belowVersion: number | null }, version: number) =>
  entry.belowVersion === null || version < entry.belowVersion

/** Reads the table and starts to listen. @throws Error where the database cannot be reached. */
export async function startRevocations(settings: RevocationSettings): Promise<Revocations> {
  const { database, log, clock, lifetimeSeconds } = settings
  const held = new Map<string, Held>()
  const expiry = () => new Date(clock().getTime() + lifetimeSeconds * 1_000)

  function hold(entry: Held): void {
    const key = `${entry.kind}:${entry.subjectId}`
    const before = held.get(key)
    const belowVersion =
      before?.belowVersion === null || entry.belowVersion === null
        ? null
        : Math.max(before?.belowVersion ?? 0, entry.belowVersion)
    held.set(key, { ...entry, belowVersion, expiresAt: Math.max(before?.expiresAt ?? 0, entry.expiresAt) })
  }
  const across = <T>(readOnly: boolean, work: (em: EntityManager) => Promise<T>) =>
    inTransaction(database, { door: 'authentication', organizationId: null, readOnly }, work)
  async function readTable(): Promise<void> {
    const rows = await across(true, (em) => em.find(Revocation, { expiresAt: { $gt: clock() } }))
    for (const row of rows) hold({ ...row, belowVersion: row.belowVersion ?? null, expiresAt: row.expiresAt.getTime() })
  }
  function hear(payload: string): void {
    for (const entry of JSON.parse(payload) as Held[]) hold(entry)
  }
  async function clean(): Promise<void> {
    const now = clock()
    for (const [key, entry] of held) if (entry.expiresAt < now.getTime()) held.delete(key)
    await across(false, (em) => em.nativeDelete(Revocation, { expiresAt: { $lt: now } }))
  }
  async function askDatabase(claims: AccessTokenClaims): Promise<boolean> {
    const concerned = concerning(claims)
    const rows = await across(true, (em) =>
      em.find(Revocation, {
        $or: concerned.map(([kind, subjectId]) => ({ kind, subjectId })),
        expiresAt: { $gt: clock() },
      }),
    )
    const versions = new Map(concerned.map(([kind, id, version]) => [`${kind}:${id}`, version]))
    return rows.some((row) =>
      ends({ belowVersion: row.belowVersion ?? null }, versions.get(`${row.kind}:${row.subjectId}`) ?? 0),
    )
  }

  const listener: Listener = await database.listen(CHANNEL, { onMessage: hear, onConnected: readTable })
  const cleaning = setInterval(() => {
    clean().catch((error: unknown) => log.warn({ err: error }, 'old revocations could not be removed'))
  }, CLEANING_INTERVAL_MS).unref()

  return {
    isRevoked(claims) {
      if (!listener.isLive()) return askDatabase(claims)
      const now = clock().getTime()
      return concerning(claims).some(([kind, id, version]) => {
        const entry = held.get(`${kind}:${id}`)
        return entry !== undefined && entry.expiresAt > now && ends(entry, version)
      })
    },
    async add(em, entries) {
      const expiresAt = expiry()
      for (let start = 0; start < entries.length; start += ENTRIES_A_MESSAGE) {
        const some = entries.slice(start, start + ENTRIES_A_MESSAGE)
        await em.insertMany(
          Revocation,
          some.map((entry) => ({ id: newId(), ...entry, expiresAt })),
        )
        const message = some.map((entry) => ({ ...entry, expiresAt: expiresAt.getTime() }))
        // Delivered when the transaction commits, and not if it does not.
        await em.execute('select pg_notify(?, ?)', [CHANNEL, JSON.stringify(message)])
        afterCommit(em, () => message.forEach(hold))
      }
    },
    isLive: () => listener.isLive(),
    async stop() {
      clearInterval(cleaning)
      await listener.stop()
    },
  }
}
