import { z } from 'zod'
import { fetchKeySet, KeySetFetchError } from './key-set-fetch.ts'
import { readKeySet, type KeySet } from './key-set.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'

/** How long a discovery document is believed before it is asked for again, with the next fetch of keys. */
const DISCOVERY_MS = 3_600_000
/** Anybody may become an organization, and then have the server read what they like. */
const MOST_BYTES = { organization: 131_072, configuration: 1_048_576 } as const

/** OpenID Connect Discovery 1.0 §3: of the provider's metadata, what is used; the address is kept. */
const metadata = z.object({ issuer: z.string(), jwks_uri: z.string().max(2_048) })

type Location = Pick<TrustedIssuer, 'issuer' | 'jwksUri' | 'source' | 'allowPrivate' | 'allowedHosts'>

/**
 * Where an issuer's keys come from: its `jwksUri`, or wherever its discovery document says.
 * @param clock milliseconds since 1970
 * @returns what fetches them, with two requests at most. It throws an Error whose `cause` or message is for the log, and keeps
 * nothing of what it has read but the address of the keys.
 */
export function keySetSource(issuer: Location, clock: () => number): () => Promise<KeySet> {
  const { jwksUri, source, allowPrivate, allowedHosts } = issuer
  const rules = { allowPrivate, ...(allowedHosts && { allowedHosts }) }
  const get = (url: string) => fetchKeySet(url, rules, { mostBytes: MOST_BYTES[source] })
  let discovered: { address: string; until: number } | null = null

  async function locate(): Promise<string> {
    if (jwksUri !== null) return jwksUri
    if (discovered && clock() < discovered.until) return discovered.address
    const address = await discover(issuer, get)
    discovered = { address, until: clock() + DISCOVERY_MS }
    return address
  }
  return async () => {
    const address = await locate()
    try {
      return readKeySet(await get(address))
    } catch (error) {
      // It may have moved.
      discovered = null
      throw error
    }
  }
}

/** The address of the keys, from the issuer's own metadata. */
async function discover({ issuer }: Location, get: (url: string) => Promise<unknown>): Promise<string> {
  // OpenID Connect Discovery 1.0 §4: any terminating slash is removed first.
  const document = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const { data } = metadata.safeParse(document)
  if (!data) throw new KeySetFetchError('the metadata is none')
  // §4.3: or one issuer could speak with another's keys.
  if (data.issuer !== issuer) throw new KeySetFetchError("the metadata is another issuer's")
  if (!issuer.startsWith('http:') && !data.jwks_uri.startsWith('https:')) {
    throw new KeySetFetchError('the metadata names keys without TLS')
  }
  if (!URL.canParse(data.jwks_uri)) throw new KeySetFetchError('the metadata names no address of keys')
  return data.jwks_uri
}
