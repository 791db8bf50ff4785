import type { RequestFacts, Services } from '../context.ts'
import { PUBLIC_CLIENT_ID } from '../principal/access-token-claims.ts'
import { acceptKey, assertActive, knownKey } from '../principal/api-key.ts'
import type { ApiKeyRecord } from '../principal/api-key-record.ts'
import type { RequestLimits } from '../principal/request-limits.ts'
import { inOAuthTerms, OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'

/** RFC 6749 §2.3.1. */
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i

/** Who sends the request: an API key, or null for a public client, which proves nothing. */
export type Client = ApiKeyRecord | null

/** The id of the client as its tokens have it. */
export const clientIdOf = (client: Client): string => client?.id ?? PUBLIC_CLIENT_ID

interface Presented {
  readonly id: string
  readonly secret: string
}

/**
 * Authenticates the client: an API key's id and its secret by `client_secret_basic` or `client_secret_post`, or nobody. What is
 * known to be a key's request is counted under it.
 * @throws OAuthError invalid_client; temporarily_unavailable after too many requests
 */
export async function authenticateClient(
  services: Services,
  { headers, requestId }: RequestFacts,
  parameters: Parameters,
  limits: RequestLimits,
): Promise<Client> {
  try {
    const presented = presentedBy(headers.authorization, parameters)
    return presented && (await inOAuthTerms('invalid_client', () => confidential(services, presented, limits)))
  } catch (error) {
    if (error instanceof OAuthError) services.log.warn({ requestId, reason: error.message }, 'a client was refused')
    throw error
  }
}

/** @throws OAuthError where no API key is authenticated */
export function requireClient(client: Client): ApiKeyRecord {
  if (client) return client
  throw new OAuthError('invalid_client', 'The client must authenticate, with the id of an API key and its secret')
}

async function confidential(services: Services, { id, secret }: Presented, limits: RequestLimits) {
  const key = await knownKey(services, secret, limits)
  // Told as of a key that nobody knows.
  if (key.id !== id.toLowerCase()) throw new OAuthError('invalid_client', 'The API key is not known')
  assertActive(services, key)
  await limits.byApiKey(key)
  await acceptKey(services, key)
  return key
}

/** What the client presents of itself; null for a public one. */
function presentedBy(authorization: unknown, parameters: Parameters): Presented | null {
  const id = parameters.optional('client_id')
  const secret = parameters.optional('client_secret')
  if (authorization === undefined) {
    if (secret !== undefined) return { id: parameters.required('client_id'), secret }
    if (id === undefined || id === PUBLIC_CLIENT_ID) return null
    throw new OAuthError('invalid_client', 'The client must authenticate')
  }
  // RFC 6749 §2.3: not more than one method.
  if (secret !== undefined) throw new OAuthError('invalid_request', 'The client authenticates in two ways')
  const basic = basicCredentials(authorization)
  if (id !== undefined && id !== basic.id) throw new OAuthError('invalid_request', 'client_id is another')
  return basic
}

function basicCredentials(authorization: unknown): Presented {
  const malformed = new OAuthError('invalid_client', 'The Authorization header must be Basic, with an id and a secret')
  const encoded = typeof authorization === 'string' ? BASIC.exec(authorization.trim())?.[1] : undefined
  if (encoded === undefined) throw malformed
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  try {
    // Encoded as in a form, before they are joined.
    return { id: formDecoded(id ?? ''), secret: formDecoded(secret ?? '') }
  } catch {
    throw malformed
  }
}

const formDecoded = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
