import dns from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { LookupFunction } from 'node:net'
import { addressFault, isExempt, isPublicAddress, type AddressRules } from './address-rules.ts'

const TIMEOUT_MS = 5_000
const MOST_BYTES = 1_048_576
// RFC 7517 §8.5, RFC 8414 §3.2, and the structured suffix of RFC 6839 §3.1.
const JSON_TYPE = /^application\/([\w!#$&^.+-]+\+)?json *(;|$)/i

interface Address {
  readonly address: string
  readonly family: number
}

/** The addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>

interface Fetching {
  /** Instead of the name servers of the system, for hosts that are not exempt. */
  resolve?: Resolve
  /** For everything, from the look-up of the name to the last byte; 5,000 by default. */
  timeoutMs?: number
}

/** Why nothing was fetched. `cause` is for the log: words of this file or a system's error code, nothing that came in. */
export class KeySetFetchError extends Error {
  override readonly cause: string

  constructor(cause: string) {
    super('The key set could not be fetched')
    this.name = 'KeySetFetchError'
    this.cause = cause
  }
}

/**
 * Gets a key set (RFC 7517 §5) or the metadata that names one (RFC 8414 §3, OpenID Connect Discovery 1.0 §4): one GET on a
 * connection of its own, without cookies or credentials, answered with 200 and JSON of at most 1 MiB within 5 seconds.
 * Redirects are not followed. Where `allowPrivate` is false, only a public address is connected to, which is the very one
 * that was checked: a name that is resolved twice can lead to two places.
 * @param url each of them: also one that fetched metadata gives
 * @throws KeySetFetchError
 */
export async function fetchKeySet(url: string, rules: AddressRules, fetching: Fetching = {}): Promise<Response> {
  const fault = addressFault(url, rules)
  if (fault) throw new KeySetFetchError(`the address ${fault}`)
  const address = new URL(url)
  const lookupOf = isExempt(address, rules) ? anywhere : publicAlone(fetching.resolve ?? resolveByServers)
  const signal = AbortSignal.timeout(fetching.timeoutMs ?? TIMEOUT_MS)
  try {
    const { body, contentType } = await answerOf(address, lookupOf, signal)
    return new Response(body, { status: 200, headers: { 'content-type': contentType } })
  } catch (error) {
    throw signal.aborted ? new KeySetFetchError('took too long') : refusalOf(error)
  }
}

/** Without the message of anything that did not come from this file: it may hold what the other side has sent. */
function refusalOf(error: unknown): KeySetFetchError {
  if (error instanceof KeySetFetchError) return error
  const { code } = error as { code?: unknown }
  return new KeySetFetchError(typeof code === 'string' ? code : 'failed')
}

function answerOf(address: URL, lookupOf: LookupFunction, signal: AbortSignal) {
  return new Promise<{ body: string; contentType: string }>((resolve, reject) => {
    const request: ClientRequest = (address.protocol === 'https:' ? requestSecure : requestPlain)(address, {
      method: 'GET',
      headers: { accept: 'application/json, application/jwk-set+json', 'accept-encoding': 'identity' },
      // An agent of its own: no connection of another request, and no proxy that would look up the name again.
      agent: false,
      lookup: lookupOf,
      signal,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
    })
    // An answer of another protocol ends a request without a response and without an error.
    const unanswered = () => reject(new KeySetFetchError('no answer'))
    request.on('response', (response) => {
      request.off('close', unanswered)
      read(response)
        .then(resolve, reject)
        .finally(() => request.destroy())
    })
    request.on('error', reject)
    request.on('close', unanswered)
    request.end()
  })
}

async function read(response: IncomingMessage): Promise<{ body: string; contentType: string }> {
  const { statusCode, headers } = response
  const contentType = headers['content-type'] ?? ''
  if (statusCode !== 200) throw new KeySetFetchError(`status ${statusCode ?? 0}`)
  if (!JSON_TYPE.test(contentType)) throw new KeySetFetchError('the content type is not JSON')
  // 1 MiB of compressed data may be 1 GiB of text.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new KeySetFetchError('the body is encoded')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MOST_BYTES) throw new KeySetFetchError('the body is too long')
    chunks.push(chunk)
  }
  return { body: jsonText(Buffer.concat(chunks)), contentType }
}

/** Parsed here and thrown away: whoever parses it afterwards gets no error that quotes it. */
function jsonText(bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    JSON.parse(text)
    return text
  } catch {
    throw new KeySetFetchError('the body is not JSON')
  }
}

/** What a connection asks for the addresses to try. */
const lookupBy =
  (resolve: Resolve): LookupFunction =>
  (hostname, { all }, callback) => {
    resolve(hostname).then(
      ([first, ...others]) => {
        if (!first) callback(new KeySetFetchError('the host has no address'), [])
        else if (all) callback(null, [first, ...others])
        else callback(null, first.address, first.family)
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    )
  }

/** By the system: its file of hosts and its search domains included. */
const anywhere = lookupBy((hostname) => lookup(hostname, { all: true }))

/** What is public, or nothing: of a name with one private address none is used. */
const publicAlone = (resolve: Resolve) =>
  lookupBy(async (hostname) => {
    const found = await resolve(hostname)
    if (found.every(({ address }) => isPublicAddress(address))) return found
    throw new KeySetFetchError('the host has a private address')
  })

/**
 * By the name servers alone. Not by the system's look-up, which knows the host's own names, and holds one of the few
 * threads for file access and password hashing for as long as a hostile name server lets it wait.
 */
const resolveByServers: Resolve = async (hostname) => {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 })
  resolver.setServers(dns.getServers())
  const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason
  return [
    ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 })),
    ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 })),
  ]
}
