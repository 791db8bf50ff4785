import type { KeyObject } from 'node:crypto'
import type { Logger } from 'pino'
import type { CredentialMetrics } from '../../watching/credential-metrics.ts'
import { createMetrics } from '../../watching/metrics.ts'
import { createFetchAllowance } from './fetch-allowance.ts'
import { createKeyCache, type KeyCache } from './key-cache.ts'
import { keySetSource } from './key-set-source.ts'
import type { KeyHint } from './key-set.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** Of the configuration, and of all organizations; the one that was asked for longest ago goes first. */
const MOST_ISSUERS = 1_000
/** As many as it may have in force: registering another each minute, it takes no room of others'. */
const MOST_ISSUERS_OF_ORGANIZATION = 20
/** Of all organizations' issuers, at 4 KB each: an issuer has two or three, and may publish a hundred. */
const MOST_REGISTERED_KEYS = 10_000

/**
 * The keys of the issuers, each set held apart from the others': an issuer that is down, slow or hostile is so for its own
 * tokens alone. Keys are fetched when a token first needs them.
 */
export interface IssuerKeys {
  /** The key, where it is held in memory; null where {@link IssuerKeys.find} would have to fetch. */
  held(issuer: TrustedIssuer, hint: KeyHint): KeyObject | null
  /**
   * The key that a token of this issuer says it is signed with. A `kid` that is not known makes one fetch in 30 seconds, and
   * the issuers of one organization together 20 in a minute.
   * @throws ApiError UNAUTHENTICATED with INVALID where there is none, or the keys cannot be fetched
   */
  find(issuer: TrustedIssuer, hint: KeyHint): Promise<KeyObject>
  /** Drops what is held of an organization's issuer. @param registration the id of its registration */
  forget(registration: string): void
}

interface Holding {
  /** Milliseconds since 1970. */
  clock: () => number
  log: Logger
  /** Fetches an issuer's keys; over the network unless told otherwise. */
  source?: typeof keySetSource
  metrics?: CredentialMetrics
}

/** Holds the keys of issuers. */
export function holdIssuerKeys(holding: Holding): IssuerKeys {
  const { clock, log, source = keySetSource, metrics = createMetrics().credentials } = holding
  // Apart, so that no customer takes the room of the server's own issuers.
  const configured = new Map<string, KeyCache>()
  const registered = new Map<string, KeyCache>()
  const mayFetch = createFetchAllowance(clock)
  function cacheOf(issuer: TrustedIssuer): KeyCache {
    const organization = issuer.source === 'organization' ? issuer.organization : null
    const caches = organization === null ? configured : registered
    const name = nameOf(issuer)
    const known = caches.get(name)
    const cache =
      known ??
      createKeyCache({
        ...{ issuer: issuer.issuer, organization, fetch: source(issuer, clock), clock, log, metrics },
        mayFetch: () => organization === null || mayFetch(organization),
        onFetched: () => trim(caches),
      })
    caches.delete(name)
    caches.set(name, cache)
    if (!known) trim(caches)
    return cache
  }
  return {
    held: (issuer, hint) => cacheOf(issuer).held(hint),
    find: (issuer, hint) => cacheOf(issuer).find(hint),
    forget: (registration) => void registered.delete(registration),
  }
}

/** An issuer that is set up anew begins anew: its registration, or all that decides where the keys come from. */
function nameOf({ registration, issuer, jwksUri, allowPrivate, allowedHosts }: TrustedIssuer): string {
  return registration ?? JSON.stringify([issuer, jwksUri, allowPrivate, allowedHosts])
}

/** Drops what is too much. @param caches in the order in which they were asked for */
function trim(caches: Map<string, KeyCache>): void {
  const owned = new Map<string, number>()
  let kept = 0
  let keys = 0
  for (const [name, cache] of [...caches].reverse()) {
    const { organization } = cache
    const number = organization === null ? 0 : (owned.get(organization) ?? 0) + 1
    if (organization !== null) {
      owned.set(organization, number)
      keys += cache.size()
    }
    kept += 1
    if (number > MOST_ISSUERS_OF_ORGANIZATION || keys > MOST_REGISTERED_KEYS || kept > MOST_ISSUERS) caches.delete(name)
  }
}
