import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import { refused } from '../compact-token.ts'
import { KeySetFetchError } from './key-set-fetch.ts'
import { keySetSource } from './key-set-source.ts'
import type { KeyHint, KeySet } from './key-set.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** Keys are fetched again when they are as old and asked for. */
const REFRESH_MS = 600_000
/** Between two fetches, whatever came of the first. */
const COOL_DOWN_MS = 30_000
/** Keys that nobody has confirmed for as long are no longer believed. */
const MOST_AGE_MS = 86_400_000
/** The one that was asked for longest ago goes first. */
const MOST_ISSUERS = 1_000

/**
 * The keys of the issuers, each set held apart from the others': an issuer that is down, slow or hostile is so for its own
 * tokens alone. Keys are fetched when a token first needs them.
 */
export interface IssuerKeys {
  /** The key, where it is held in memory; null where {@link IssuerKeys.find} would have to fetch. */
  held(issuer: TrustedIssuer, hint: KeyHint): KeyObject | null
  /**
   * The key that a token of this issuer says it is signed with. A `kid` that is not known makes one fetch in 30 seconds.
   * @throws ApiError UNAUTHENTICATED with INVALID where there is none, or the keys cannot be fetched
   */
  find(issuer: TrustedIssuer, hint: KeyHint): Promise<KeyObject>
}

interface Holding {
  /** Milliseconds since 1970. */
  clock: () => number
  log: Logger
  /** Fetches an issuer's keys; over the network unless told otherwise. */
  source?: typeof keySetSource
}

/** Holds the keys of issuers. */
export function holdIssuerKeys({ clock, log, source = keySetSource }: Holding): IssuerKeys {
  const caches = new Map<string, KeyCache>()
  function cacheOf(issuer: TrustedIssuer): KeyCache {
    const { jwksUri, allowPrivate, allowedHosts } = issuer
    // All that decides where the keys come from: an issuer that is set up anew begins anew.
    const name = JSON.stringify([issuer.issuer, jwksUri, allowPrivate, allowedHosts])
    const cache = caches.get(name) ?? createCache(issuer.issuer, { fetch: source(issuer, clock), clock, log })
    caches.delete(name)
    caches.set(name, cache)
    const [oldest = name] = caches.keys()
    if (caches.size > MOST_ISSUERS) caches.delete(oldest)
    return cache
  }
  return {
    held: (issuer, hint) => cacheOf(issuer).held(hint),
    find: (issuer, hint) => cacheOf(issuer).find(hint),
  }
}

interface KeyCache {
  held(hint: KeyHint): KeyObject | null
  find(hint: KeyHint): Promise<KeyObject>
}

interface Fetching extends Required<Omit<Holding, 'source'>> {
  fetch: () => Promise<KeySet>
}

function createCache(issuer: string, { fetch, clock, log }: Fetching): KeyCache {
  let keys: { set: KeySet; fetchedAt: number } | null = null
  let attemptedAt = -Infinity
  let failing = false
  let fetching: Promise<void> | null = null
  let lastTurn: Promise<void> = Promise.resolve()

  const age = () => clock() - (keys?.fetchedAt ?? -Infinity)
  /** Nobody has asked for long: a key may have been withdrawn meanwhile, so the next token waits for a fresh set, once. */
  const isForgotten = () => age() >= 2 * REFRESH_MS && !failing
  const usable = (): KeySet | null => (keys && age() < MOST_AGE_MS ? keys.set : null)

  async function attemptFetch(): Promise<void> {
    attemptedAt = clock()
    try {
      keys = { set: await fetch(), fetchedAt: clock() }
      failing = false
    } catch (error) {
      failing = true
      log.warn({ issuer, cause: reasonOf(error) }, 'the keys of an issuer could not be fetched')
    }
  }
  /** Fetches, unless it is too early to do so again. All who ask meanwhile share one fetch. */
  function refresh(): Promise<void> {
    if (fetching) return fetching
    if (clock() - attemptedAt < COOL_DOWN_MS) return Promise.resolve()
    fetching = attemptFetch().finally(() => (fetching = null))
    return fetching
  }
  /** Hundreds may have waited for one fetch: they go on one by one, so that whoever has waited for nothing comes between. */
  function turn(): Promise<void> {
    lastTurn = lastTurn.then(() => setImmediate())
    return lastTurn
  }
  function held(hint: KeyHint): KeyObject | null {
    if (isForgotten()) return null
    // In the background: whoever asks is served from what is there.
    if (age() >= REFRESH_MS && keys) void refresh()
    return usable()?.find(hint) ?? null
  }
  return {
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

/** For the log: nothing that the other side has sent. */
function reasonOf(error: unknown): string {
  if (error instanceof KeySetFetchError) return error.cause
  return error instanceof Error ? error.message : String(error)
}
