import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { CredentialMetrics } from '../../watching/credential-metrics.ts'
import { refused } from '../compact-token.ts'
import { KeySetFetchError } from './key-set-fetch.ts'
import type { KeyHint, KeySet } from './key-set.ts'

/** Keys are fetched again when they are as old and asked for. */
const REFRESH_MS = 600_000
/** Between two fetches, whatever came of the first. */
const COOL_DOWN_MS = 30_000
/** The same after a fetch that has left nobody served: an issuer that is back is known again soon. */
const FAILED_COOL_DOWN_MS = 3_000
/** Keys that nobody has confirmed for as long are no longer believed. */
const MOST_AGE_MS = 86_400_000

/** The keys of one issuer. */
export interface KeyCache {
  /** The one that has registered the issuer; null for one of the configuration. */
  readonly organization: string | null
  /** How many keys it holds. */
  size(): number
  /** The key, where it is held; null where {@link KeyCache.find} would have to fetch. */
  held(hint: KeyHint): KeyObject | null
  /** @throws ApiError UNAUTHENTICATED with INVALID where there is none, or the keys cannot be fetched */
  find(hint: KeyHint): Promise<KeyObject>
}

interface Fetching extends Pick<KeyCache, 'organization'> {
  /** The `iss`, for the log. */
  issuer: string
  fetch: () => Promise<KeySet>
  /** Asked before each fetch. */
  mayFetch: () => boolean
  onFetched: () => void
  metrics: Pick<CredentialMetrics, 'issuerKeysFetched'>
  /** Milliseconds since 1970. */
  clock: () => number
  log: Logger
}

/** Holds the keys of one issuer. They are fetched when they are first asked for. */
export function createKeyCache(fetching: Fetching): KeyCache {
  const { organization, clock } = fetching
  let keys: { set: KeySet; fetchedAt: number } | null = null
  let failing = false

  const age = () => clock() - (keys?.fetchedAt ?? -Infinity)
  /** Nobody has asked for long: a key may have been withdrawn meanwhile, so the next token waits for a fresh set, once. */
  const isForgotten = () => age() >= 2 * REFRESH_MS && !failing
  const usable = (): KeySet | null => (keys && age() < MOST_AGE_MS && !isForgotten() ? keys.set : null)
  // An issuer that an organization has registered may fail on purpose: that is no way to have it asked more often. And where
  // there are keys, unknown ones are asked for as seldom as ever.
  const pauseMs = () => (failing && !usable() && organization === null ? FAILED_COOL_DOWN_MS : null)
  const refresh = oneAtATime(clock, pauseMs, async () => {
    const outcome = await attempt(fetching)
    // Not to have been allowed to ask says nothing of the issuer: what is forgotten stays so.
    if (outcome === 'NOT_ALLOWED') return
    failing = outcome === 'FAILED'
    if (outcome !== 'FAILED') keys = { set: outcome, fetchedAt: clock() }
    fetching.onFetched()
  })
  const turn = createTurns()

  function held(hint: KeyHint): KeyObject | null {
    // In the background: whoever asks is served from what is there.
    if (age() >= REFRESH_MS && keys && !isForgotten()) void refresh()
    return usable()?.find(hint) ?? null
  }
  return {
    organization,
    size: () => keys?.set.size ?? 0,
    held,
    async find(hint) {
      const known = held(hint)
      if (known) return known
      await refresh()
      await turn()
      const key = usable()?.find(hint)
      if (key) return key
      throw refused('INVALID', usable() ? 'no key fits, or more than one' : 'the keys of the issuer are not known')
    },
  }
}

async function attempt(fetching: Fetching): Promise<KeySet | 'FAILED' | 'NOT_ALLOWED'> {
  const { issuer, fetch, mayFetch, metrics, log } = fetching
  if (!mayFetch()) {
    metrics.issuerKeysFetched('not_allowed')
    log.warn({ issuer }, 'the keys of an issuer were not fetched: those of its organization are fetched too often')
    return 'NOT_ALLOWED'
  }
  try {
    const keys = await fetch()
    metrics.issuerKeysFetched('ok')
    return keys
  } catch (error) {
    metrics.issuerKeysFetched('failed')
    log.warn({ issuer, cause: reasonOf(error) }, 'the keys of an issuer could not be fetched')
    return 'FAILED'
  }
}

/**
 * Does something, unless it is too early to do so again. All who ask meanwhile wait for the same.
 * @param pauseMs asked when it has been done: the time until it may be done again; null: what is left of the cool-down
 */
function oneAtATime(clock: () => number, pauseMs: () => number | null, work: () => Promise<void>): () => Promise<void> {
  let notBefore = -Infinity
  let working: Promise<void> | null = null
  return () => {
    if (working) return working
    if (clock() < notBefore) return Promise.resolve()
    notBefore = clock() + COOL_DOWN_MS
    working = work().finally(() => {
      working = null
      notBefore = Math.min(notBefore, clock() + (pauseMs() ?? COOL_DOWN_MS))
    })
    return working
  }
}

/** Hundreds may have waited for one fetch: they go on one by one, so that whoever has waited for nothing comes between. */
function createTurns(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return () => {
    last = last.then(() => setImmediate())
    return last
  }
}

/** For the log: nothing that the other side has sent. */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetFetchError) return error.cause
  return error instanceof Error ? error.message : String(error)
}
