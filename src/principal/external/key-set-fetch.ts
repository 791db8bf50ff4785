import dns from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestSecure } from 'node:https'
import type { LookupFunction } from 'node:net'
import { addressFault, isExempt, isPublicAddress, type AddressRules } from './address-rules.ts'

const TIMEOUT_MS = 5_000
const MOST_BYTES = 1_048_576
/**
 * What is parsed has no more values: it is their number that costs time and memory, 200 ms and 55 MB for the 350,000 that
 * 1 MiB can hold. A hundred keys have two thousand.
 */
const MOST_VALUES = 10_000
/** The first byte of an object or a list, and what stands before every value but the first of one. */
const VALUE_MARKS: ReadonlySet<number> = new Set(Buffer.from('{[,'))
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
  /** Of the answer; 1 MiB by default. */
  mostBytes?: number
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
 * connection of its own, without cookies or credentials, answered with 200 and JSON of at most 1 MiB and 10,000 values within
 * 5 seconds. Redirects are not followed. Where `allowPrivate` is false, only a public address is connected to, which is the
 * very one that was checked: a name that is resolved twice can lead to two places.
 * @param url each of them: also one that fetched metadata gives
 * @returns what the JSON says, of any type
 * @throws KeySetFetchError
 */
export async function fetchKeySet(url: string, rules: AddressRules, fetching: Fetching = {}): Promise<unknown> {
  const fault = addressFault(url, rules)
  if (fault) throw new KeySetFetchError(`the address ${fault}`)
  const address = new URL(url)
  const lookupOf = isExempt(address, rules) ? anywhere : publicAlone(fetching.resolve ?? resolveByServers)
  const signal = AbortSignal.timeout(fetching.timeoutMs ?? TIMEOUT_MS)
  try {
    return parsed(await answerOf(address, { lookupOf, signal, mostBytes: fetching.mostBytes ?? MOST_BYTES }))
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

interface Asking {
  lookupOf: LookupFunction
  signal: AbortSignal
  mostBytes: number
}

function answerOf(address: URL, { lookupOf, signal, mostBytes }: Asking) {
  return new Promise<Buffer>((resolve, reject) => {
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
      read(response, mostBytes)
        .then(resolve, reject)
        .finally(() => request.destroy())
    })
    request.on('error', reject)
    request.on('close', unanswered)
    request.end()
  })
}

async function read(response: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const { statusCode, headers } = response
  if (statusCode !== 200) throw new KeySetFetchError(`status ${statusCode ?? 0}`)
  if (!JSON_TYPE.test(headers['content-type'] ?? '')) throw new KeySetFetchError('the content type is not JSON')
  // 1 MiB of compressed data may be 1 GiB of text.
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new KeySetFetchError('the body is encoded')
  const chunks: Buffer[] = []
  let bytes = 0
  let values = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > mostBytes) throw new KeySetFetchError('the body is too long')
    // Before it is parsed, and as it comes: what is too heavy ends the connection.
    values += mostValuesIn(chunk)
    if (values > MOST_VALUES) throw new KeySetFetchError('the body has too many values')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** No fewer than the values that are in it: a text may have a comma too. */
function mostValuesIn(chunk: Buffer): number {
  let values = 0
  for (const byte of chunk) if (VALUE_MARKS.has(byte)) values += 1
  return values
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // The parser's own error quotes what it has read.
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
