import { setTimeout as sleep } from 'node:timers/promises'
import { openKeyPair, type OpenedKey } from './signing-key-pairs.ts'
import {
  makeFirstSigningKey,
  readSigningKeys,
  SIGNING_KEYS_CHANNEL,
  type SigningKeyTable,
} from './signing-key-table.ts'
import type { SigningKeyRow } from './signing-key.entity.ts'
import { withSigning, type PublishedKey, type SigningKeys } from './signing-keys.ts'

const READ_INTERVAL_MS = 60_000
/** How often an unknown key makes it read again. */
const READ_PAUSE_MS = 1_000
/** How old what is held may be while changes may be missed: what is revoked must end within a second. */
const MOST_AGE_MS = 500

/** The keys of this instance, until it stops. */
export interface StartedSigningKeys extends SigningKeys {
  /** What somebody has to attend to; null where nothing is wrong. */
  fault(): string | null
  stop(): Promise<void>
}

interface Sharing {
  table: SigningKeyTable
  /** How long a token may be accepted after it was signed: for as long its key verifies after it has ceased to sign. */
  lifetimeSeconds: number
  /** What verifies beside the keys of the table: JWT_VERIFICATION_KEY_FILES. */
  older: readonly PublishedKey[]
}

/** Which keys are used how, as long as the time is between these two; milliseconds since 1970. */
interface Stage {
  from: number
  until: number
  keys: SigningKeys | null
}

/** Reads one after the other: an older reading cannot undo a newer one, and whoever asks meanwhile shares the next. */
function takeTurns(read: () => Promise<void>) {
  let begunAt = -Infinity
  let latest = Promise.resolve()
  let waiting: Promise<void> | null = null
  let afterPause: Promise<void> | null = null

  function again(): Promise<void> {
    if (waiting) return waiting
    waiting = latest
      .catch(() => undefined)
      .then(() => {
        waiting = null
        begunAt = performance.now()
        return read()
      })
    latest = waiting
    return waiting
  }
  return {
    /** Reads after this call. */
    again,
    /** The same, but not within a second of the reading before. */
    againAfterPause(): Promise<void> {
      const pauseMs = Math.max(0, begunAt + READ_PAUSE_MS - performance.now())
      afterPause ??= sleep(pauseMs, undefined, { ref: false }).then(() => {
        afterPause = null
        return again()
      })
      return afterPause
    },
    /** What has been read or is being read, where that was begun just now; else reads again. */
    recently: (): Promise<void> => (performance.now() - begunAt < MOST_AGE_MS ? latest : again()),
  }
}

/** Which of the keys that verify signs. They are in the order in which they sign. */
function signingOf(verifying: readonly OpenedKey[], now: number): OpenedKey | undefined {
  const signing = verifying.findLast(
    ({ signsFrom, signsUntil }) => signsFrom <= now && (signsUntil === null || signsUntil > now),
  )
  // Where none is to sign at this time, the clock here is behind that of who made the next. Where there is no next one
  // either, that does not open here: the one before it is better than none.
  return signing ?? verifying.find(({ signsFrom }) => signsFrom > now) ?? verifying.at(-1)
}

/** The stage that the keys are in: one signs, and each is published before it signs and after. */
function stageOf(held: readonly OpenedKey[], now: number, { lifetimeSeconds, older }: Sharing): Stage {
  const endOf = ({ signsUntil }: OpenedKey) => (signsUntil === null ? Infinity : signsUntil + lifetimeSeconds * 1_000)
  const verifying = held.filter((key) => now < endOf(key))
  const signing = signingOf(verifying, now)
  const changes = held.flatMap((key) => [key.signsFrom, key.signsUntil ?? Infinity, endOf(key)])
  const stage = {
    from: Math.max(-Infinity, ...changes.filter((at) => at <= now)),
    until: Math.min(Infinity, ...changes.filter((at) => at > now)),
  }
  if (!signing) return { ...stage, keys: null }
  const { kid, published, privateKey } = signing
  const others = verifying.filter((key) => key !== signing).map((key) => key.published)
  const used = { kid, algorithm: published.algorithm, key: privateKey }
  return { ...stage, keys: withSigning(used, [published, ...others, ...older]) }
}

/** What an instance holds of the table in memory. */
function createMemory(sharing: Sharing) {
  const { clock, sealing, log } = sharing.table
  const held = new Map<string, OpenedKey>()
  const sealed = new Map<string, string>()
  let stage: Stage = { from: Infinity, until: -Infinity, keys: null }
  let unopened = 0

  function opened(row: SigningKeyRow): OpenedKey {
    const known = held.get(row.kid)
    if (!known || sealed.get(row.kid) !== row.privateKey) return openKeyPair(row, sealing)
    return { ...known, signsFrom: row.signsFrom.getTime(), signsUntil: row.signsUntil?.getTime() ?? null }
  }
  /** The keys that may still be needed. @param strict throw where one does not open, or leave it out */
  function hold(rows: readonly SigningKeyRow[], strict: boolean): void {
    const next: OpenedKey[] = []
    unopened = 0
    for (const row of rows.filter(({ privateKey }) => privateKey != null)) {
      if (row.signsUntil && row.signsUntil.getTime() + sharing.lifetimeSeconds * 1_000 <= clock().getTime()) continue
      try {
        next.push(opened(row))
      } catch (error) {
        if (strict) throw error
        unopened += 1
        log.error({ err: error, kid: row.kid }, 'a signing key does not open, and is not used')
      }
    }
    held.clear()
    sealed.clear()
    for (const key of next) held.set(key.kid, key)
    for (const { kid, privateKey } of rows) sealed.set(kid, privateKey ?? '')
    stage = { from: Infinity, until: -Infinity, keys: null }
  }
  function current(): SigningKeys {
    const now = clock().getTime()
    if (now < stage.from || now >= stage.until) stage = stageOf([...held.values()], now, sharing)
    if (!stage.keys) throw new Error('None of the signing keys may sign: `npm run keys:signing -- rotate` makes one')
    return stage.keys
  }
  return {
    hold,
    current,
    knows: (kid: string) => sealed.has(kid),
    fault: () => (unopened > 0 ? 'degraded: a signing key of the database does not open' : null),
  }
}

/**
 * The keys of the table `signing_keys`, held in memory and kept up with by notifications; the first is made where there is
 * none. Which of them signs follows from the clock, on every instance alike.
 * @throws Error where a key does not open with the secret, none may sign, or the database cannot be reached.
 */
export async function startSharedSigningKeys(sharing: Sharing): Promise<StartedSigningKeys> {
  const { table } = sharing
  const { database, log } = table
  const memory = createMemory(sharing)
  const turns = takeTurns(async () => memory.hold(await readSigningKeys(database), false))
  const rows = await readSigningKeys(database)
  if (rows.length === 0) await makeFirstSigningKey(table)
  memory.hold(rows.length === 0 ? await readSigningKeys(database) : rows, true)
  memory.current()

  const readAgain = () => {
    turns.again().catch((error: unknown) => log.warn({ err: error }, 'the signing keys could not be read again'))
  }
  const listener = await database.listen(SIGNING_KEYS_CHANNEL, {
    onMessage: readAgain,
    onConnected: () => turns.again(),
  })
  const reading = setInterval(readAgain, READ_INTERVAL_MS).unref()
  return {
    get signing() {
      return memory.current().signing
    },
    get byKid() {
      return memory.current().byKid
    },
    jwks: () => memory.current().jwks(),
    shared: {
      isLive: () => listener.isLive(),
      hasEnded: (kid) => memory.knows(kid) && !memory.current().byKid.has(kid),
      keepUp: turns.recently,
      readAgain: () => turns.againAfterPause(),
    },
    fault: memory.fault,
    async stop() {
      clearInterval(reading)
      await listener.stop()
    },
  }
}
