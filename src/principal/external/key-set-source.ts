import { createRemoteJWKSet, customFetch } from 'jose'
import { z } from 'zod'
import { fetchKeySet, KeySetFetchError } from './key-set-fetch.ts'
import { readKeySet, type KeySet } from './key-set.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** How long a discovery document is believed before it is asked for again, with the next fetch of keys. */
const DISCOVERY_MS = 3_600_000

/** OpenID Connect Discovery 1.0 §3: of the provider's metadata, what is used. */
const metadata = z.object({ issuer: z.string(), jwks_uri: z.string() })

type Location = Pick<TrustedIssuer, 'issuer' | 'jwksUri' | 'allowPrivate' | 'allowedHosts'>

/**
 * Where an issuer's keys come from: its `jwksUri`, or wherever its discovery document says.
 * @param clock milliseconds since 1970
 * @returns what fetches them; calls while a fetch is under way share it. It throws an Error whose `cause` or message is for the
 * log.
 */
export function keySetSource(issuer: Location, clock: () => number): () => Promise<KeySet> {
  const { jwksUri, allowPrivate, allowedHosts } = issuer
  const rules = { allowPrivate, ...(allowedHosts && { allowedHosts }) }
  const remoteAt = (address: string) =>
    createRemoteJWKSet(new URL(address), {
      [customFetch]: (url) => fetchKeySet(url, rules),
      // When to fetch is decided by who holds the keys: here a set neither ages nor cools down.
      cacheMaxAge: Infinity,
    })
  let remote: { set: ReturnType<typeof remoteAt>; until: number } | null = null

  async function locate(): Promise<ReturnType<typeof remoteAt>> {
    if (remote && clock() < remote.until) return remote.set
    const address = jwksUri ?? (await discover(issuer, (url) => fetchKeySet(url, rules)))
    remote = { set: remoteAt(address), until: jwksUri === null ? clock() + DISCOVERY_MS : Infinity }
    return remote.set
  }
  return async () => {
    const set = await locate()
    try {
      await set.reload()
    } catch (error) {
      // It may have moved.
      remote = null
      throw error
    }
    return readKeySet(set.jwks() ?? { keys: [] })
  }
}

/** The address of the keys, from the issuer's own metadata. */
async function discover({ issuer }: Location, get: (url: string) => Promise<Response>): Promise<string> {
  // OpenID Connect Discovery 1.0 §4: any terminating slash is removed first.
  const response = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { data } = metadata.safeParse(await response.json())
  if (!data) throw new KeySetFetchError('the metadata is none')
  // §4.3: or one issuer could speak with another's keys.
  if (data.issuer !== issuer) throw new KeySetFetchError("the metadata is another issuer's")
  if (!issuer.startsWith('http:') && !data.jwks_uri.startsWith('https:')) {
    throw new KeySetFetchError('the metadata names keys without TLS')
  }
  if (!URL.canParse(data.jwks_uri)) throw new KeySetFetchError('the metadata names no address of keys')
  return data.jwks_uri
}
