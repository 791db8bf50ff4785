import type { EntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'
import { CLOCK_ERROR_SECONDS } from '../clock.ts'
import { newId } from '../database/columns.ts'
import type { Database } from '../database/database.ts'
import { tellInstances } from '../database/news.ts'
import { inTransaction } from '../database/tenancy.ts'
import type { AccessTokenClaims } from './access-token-claims.ts'
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

/** What instances tell each other: entries, or that some have been taken back. */
type News = readonly Held[] | { lifted: true }

/**
 * What access tokens are no longer accepted for, known to every instance without a read per request: each holds the
 * entries of the table in memory, read when it starts and kept up by notifications. While those may be lost, the
 * database is asked instead.
 */
export interface Revocations {
  /** Whether the token has been revoked since it was issued. A promise only while the database has to be asked. */
  isRevoked(claims: AccessTokenClaims): boolean | Promise<boolean>
  /**
   * Records that a single token is revoked, in the transaction of `em`, in force as the others are.
   * @param jti its id
   * @returns false where it already was
   */
  addToken(em: EntityManager, jti: string): Promise<boolean>
  /** Records revocations in the transaction of `em`: in force on this instance when it has committed, on others at once after. */
  add(em: EntityManager, entries: readonly RevocationEntry[]): Promise<void>
  /**
   * Takes the revocations of a subject back in the transaction of `em`, in force as they are: its tokens of before are
   * accepted again, for as long as they would have been.
   */
  lift(em: EntityManager, subject: Pick<RevocationEntry, 'kind' | 'subjectId'>): Promise<void>
  isLive(): boolean
  stop(): Promise<void>
}

interface RevocationSettings {
  database: Database
  log: Logger
  clock: () => Date
  /** An entry is needed for as long as a token that it is about could be accepted, and is kept for longer. */
  lifetimeSeconds: number
}

const READ = `
  select kind, subject_id as "subjectId", below_version as "belowVersion",
    (extract(epoch from expires_at) * 1000)::float8 as "expiresAt"
  from revocations where expires_at > ?`

// The row has the token's own id: there is one at most.
const ADD_TOKEN = `
  insert into revocations (id, kind, subject_id, expires_at) values (?, 'TOKEN', ?, ?)
  on conflict (id) do nothing returning id`

/** The entries that would end this token, and the version that it carries of each. */
function concerning(claims: AccessTokenClaims): [kind: RevocationKind, subjectId: string, version: number][] {
  const entries: ReturnType<typeof concerning> = [['TOKEN', claims.jti, 0]]
  // What else ends the others is asked of the API key, or of the issuer and the organization, themselves.
  if (claims.kind !== 'USER') return entries
  entries.push(['SESSION', claims.sid, 0], ['USER', claims.sub, claims.userVersion])
  if (claims.membership) entries.push(['MEMBERSHIP', claims.membership, claims.membershipVersion])
  if (claims.organization) entries.push(['ORGANIZATION', claims.organization, 0])
  return entries
}

const ends = (entry: { belowVersion: number | null }, version: number) =>
  entry.belowVersion === null || version < entry.belowVersion

/** The entries that an instance knows of. */
function createMemory(clock: () => Date) {
  const held = new Map<string, Held>()
  let heldMeanwhile: Held[] | null = null
  let reading: Promise<void> = Promise.resolve()

  function hold(entry: Held): void {
    heldMeanwhile?.push(entry)
    const key = `${entry.kind}:${entry.subjectId}`
    const before = held.get(key)
    const belowVersion =
      before?.belowVersion === null || entry.belowVersion === null
        ? null
        : Math.max(before?.belowVersion ?? 0, entry.belowVersion)
    held.set(key, { ...entry, belowVersion, expiresAt: Math.max(before?.expiresAt ?? 0, entry.expiresAt) })
  }
  async function replace(read: () => Promise<Held[]>): Promise<void> {
    const meanwhile: Held[] = []
    heldMeanwhile = meanwhile
    try {
      const entries = await read()
      held.clear()
      for (const entry of [...entries, ...meanwhile]) hold(entry)
    } finally {
      heldMeanwhile = null
    }
  }

  return {
    hold,
    lift: ({ kind, subjectId }: Pick<Held, 'kind' | 'subjectId'>) => void held.delete(`${kind}:${subjectId}`),
    /** Makes the entries those that are read, with those that are heard of meanwhile; an older reading cannot undo a newer one. */
    replaceBy(read: () => Promise<Held[]>): Promise<void> {
      const turn = reading.then(() => replace(read))
      reading = turn.catch(() => undefined)
      return turn
    },
    ends(claims: AccessTokenClaims): boolean {
      const now = clock().getTime()
      return concerning(claims).some(([kind, id, version]) => {
        const entry = held.get(`${kind}:${id}`)
        return entry !== undefined && entry.expiresAt > now && ends(entry, version)
      })
    },
    forgetExpired(): void {
      const now = clock().getTime()
      for (const [key, entry] of held) if (entry.expiresAt < now) held.delete(key)
    },
  }
}

/** What the table says; read across tenants. */
function createTable(database: Database, clock: () => Date) {
  const across = <T>(readOnly: boolean, work: (em: EntityManager) => Promise<T>) =>
    inTransaction(database, { door: 'authentication', organizationId: null, readOnly }, work)
  return {
    // As plain rows: there may be many, and nobody changes them.
    read: (): Promise<Held[]> => across(true, (em) => em.execute<Held[]>(READ, [clock()])),
    async ends(claims: AccessTokenClaims): Promise<boolean> {
      const concerned = concerning(claims)
      const $or = concerned.map(([kind, subjectId]) => ({ kind, subjectId }))
      const rows = await across(true, (em) => em.find(Revocation, { $or, expiresAt: { $gt: clock() } }))
      const versions = new Map(concerned.map(([kind, id, version]) => [`${kind}:${id}`, version]))
      return rows.some((row) =>
        ends({ belowVersion: row.belowVersion ?? null }, versions.get(`${row.kind}:${row.subjectId}`) ?? 0),
      )
    },
    forgetExpired: () => across(false, (em) => em.nativeDelete(Revocation, { expiresAt: { $lt: clock() } })),
  }
}

/** What is written to the table, told to every instance and, once it is committed, in force on this one. */
function recording(
  memory: ReturnType<typeof createMemory>,
  { database, clock, lifetimeSeconds }: RevocationSettings,
): Pick<Revocations, 'add' | 'addToken' | 'lift'> {
  const expiryFromNow = () => new Date(clock().getTime() + (lifetimeSeconds + CLOCK_ERROR_SECONDS) * 1_000)
  const tell = (em: EntityManager, news: News, take: () => void) =>
    tellInstances(em, database, { channel: CHANNEL, payload: JSON.stringify(news), take })
  async function announce(em: EntityManager, entries: readonly RevocationEntry[], expiresAt: Date): Promise<void> {
    const message = entries.map((entry) => ({ ...entry, expiresAt: expiresAt.getTime() }))
    await tell(em, message, () => message.forEach((entry) => memory.hold(entry)))
  }
  return {
    async addToken(em, jti) {
      const expiresAt = expiryFromNow()
      const added = await em.execute<unknown[]>(ADD_TOKEN, [jti, jti, expiresAt])
      if (added.length > 0) await announce(em, [{ kind: 'TOKEN', subjectId: jti, belowVersion: null }], expiresAt)
      return added.length > 0
    },
    async add(em, entries) {
      const expiresAt = expiryFromNow()
      for (let start = 0; start < entries.length; start += ENTRIES_A_MESSAGE) {
        const some = entries.slice(start, start + ENTRIES_A_MESSAGE)
        await em.insertMany(
          Revocation,
          some.map((entry) => ({ id: newId(), ...entry, expiresAt })),
        )
        await announce(em, some, expiresAt)
      }
    },
    async lift(em, { kind, subjectId }) {
      await em.nativeDelete(Revocation, { kind, subjectId })
      await tell(em, { lifted: true }, () => memory.lift({ kind, subjectId }))
    },
  }
}

/** Reads the table and starts to listen. @throws Error where the database cannot be reached. */
export async function startRevocations(settings: RevocationSettings): Promise<Revocations> {
  const { database, log, clock } = settings
  const memory = createMemory(clock)
  const table = createTable(database, clock)
  let isAboutToRead = false
  // The table says what is lifted, not the notification: a made-up one must not let a revoked token pass.
  function readAgain(): void {
    // One that is about to begin reads what this one would.
    if (isAboutToRead) return
    isAboutToRead = true
    const read = () => {
      isAboutToRead = false
      return table.read()
    }
    memory
      .replaceBy(read)
      .catch((error: unknown) => log.warn({ err: error }, 'the revocations could not be read again'))
  }
  const listener = await database.listen(CHANNEL, {
    onMessage(payload) {
      try {
        const news = JSON.parse(payload) as News
        if ('lifted' in news) readAgain()
        else for (const entry of news) memory.hold(entry)
      } catch {
        // Anyone who may connect to the database may notify. Thrown here it would end the process.
        log.warn({ channel: CHANNEL }, 'a notification could not be read')
      }
    },
    onConnected: () => memory.replaceBy(() => table.read()),
  })
  const cleaning = setInterval(() => {
    memory.forgetExpired()
    table.forgetExpired().catch((error: unknown) => log.warn({ err: error }, 'old revocations could not be removed'))
  }, CLEANING_INTERVAL_MS).unref()

  return {
    isRevoked: (claims) => (listener.isLive() ? memory.ends(claims) : table.ends(claims)),
    ...recording(memory, settings),
    isLive: () => listener.isLive(),
    async stop() {
      clearInterval(cleaning)
      await listener.stop()
    },
  }
}
