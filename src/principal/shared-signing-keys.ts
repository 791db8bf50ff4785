import { createReading } from '../database/repeated-reading.ts'
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

/** The keys of this instance, until it stops. */
export interface StartedSigningKeys extends SigningKeys {
  /** What somebody has to attend to, as in the readiness; null where nothing is wrong. */
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

/** What an instance holds of the table in memory: the keys that may still be needed, opened. */
function createHeld({ table: { clock, sealing, log }, lifetimeSeconds }: Sharing) {
  const held = new Map<string, OpenedKey>()
  const sealed = new Map<string, string>()
  let unopened = 0

  function opened(row: SigningKeyRow): OpenedKey {
    const known = held.get(row.kid)
    if (!known || sealed.get(row.kid) !== row.privateKey) return openKeyPair(row, sealing)
    return { ...known, signsFrom: row.signsFrom.getTime(), signsUntil: row.signsUntil?.getTime() ?? null }
  }
  /** @param strict throw where one does not open, or leave it out */
  function hold(rows: readonly SigningKeyRow[], strict: boolean): void {
    const next: OpenedKey[] = []
    unopened = 0
    for (const row of rows.filter(({ privateKey }) => privateKey != null)) {
      if (row.signsUntil && row.signsUntil.getTime() + lifetimeSeconds * 1_000 <= clock().getTime()) continue
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
  }
  return {
    hold,
    keys: () => [...held.values()],
    knows: (kid: string) => sealed.has(kid),
    hasUnopened: () => unopened > 0,
  }
}

const noStage: Stage = { from: Infinity, until: -Infinity, keys: null }

/** What is held, as it is used at the time. */
function createMemory(sharing: Sharing) {
  const held = createHeld(sharing)
  let stage = noStage

  function usable(): SigningKeys | null {
    const now = sharing.table.clock().getTime()
    if (now < stage.from || now >= stage.until) stage = stageOf(held.keys(), now, sharing)
    return stage.keys
  }
  return {
    hold(rows: readonly SigningKeyRow[], strict: boolean): void {
      held.hold(rows, strict)
      stage = noStage
    },
    current(): SigningKeys {
      const keys = usable()
      if (!keys) throw new Error('None of the signing keys may sign: `npm run keys:signing -- rotate` makes one')
      return keys
    },
    knows: held.knows,
    fault(): string | null {
      // Without a key that signs, none verifies: such an instance must not be sent requests.
      if (!usable()) return 'unavailable: none of the signing keys of the database may sign'
      return held.hasUnopened() ? 'degraded: a signing key of the database does not open' : null
    },
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
  const rows = await readSigningKeys(database)
  if (rows.length === 0) await makeFirstSigningKey(table)
  memory.hold(rows.length === 0 ? await readSigningKeys(database) : rows, true)
  memory.current()

  const read = async () => memory.hold(await readSigningKeys(database), false)
  const reading = createReading(read, log, 'the signing keys')
  const listening = { onMessage: reading.changed, onConnected: reading.again }
  const listener = await database.listen(SIGNING_KEYS_CHANNEL, listening).catch((error: unknown) => {
    reading.stop()
    throw error
  })
  const interval = setInterval(reading.changed, READ_INTERVAL_MS).unref()
  return {
    get signing() {
      return memory.current().signing
    },
    get byKid() {
      return memory.current().byKid
    },
    jwks: () => memory.current().jwks(),
    shared: {
      isLive: () => listener.isLive() && !reading.isStale(),
      hasEnded: (kid) => memory.knows(kid) && !memory.current().byKid.has(kid),
      keepUp: reading.recently,
      readAgain: reading.againAfterPause,
    },
    // As long as nothing can be read, no token is accepted: elsewhere it may be.
    fault: () =>
      reading.hasFailed() ? 'unavailable: the signing keys of the database cannot be read' : memory.fault(),
    async stop() {
      clearInterval(interval)
      reading.stop()
      await listener.stop()
    },
  }
}
