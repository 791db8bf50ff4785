import { expect } from '@jest/globals'
import type { TestServer } from '../harness.ts'
import { sendForm, type Credentials, type OAuthAnswer } from './given-oauth.ts'

type Server = Pick<TestServer, 'url'>

export const TOKEN = '/oauth/token'
export const REVOKE_TOKEN = '/oauth/revoke'
export const INTROSPECT = '/oauth/introspect'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** What RFC 6749 §5.1 and §5.2 demand of every answer with or about a token. */
export function expectUncached({ headers }: Pick<OAuthAnswer, 'headers'>): void {
  expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
  expect(headers.get('content-type')).toMatch(/^application\/json\b/)
}

/** The answer is this error of RFC 6749 §5.2, and nothing else. */
export function expectOAuthError(answer: OAuthAnswer, error: string, status = error === 'invalid_client' ? 401 : 400) {
  expect(answer.body).toEqual({ error, error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/) })
  expect(answer.status).toBe(status)
  expectUncached(answer)
  const challenge = answer.headers.get('www-authenticate')
  if (status === 401) expect(challenge).toMatch(/^Basic realm="/)
  else expect(challenge).toBeNull()
}

/** Refused for its number, and told when to come back. */
export function expectTooMany(answer: OAuthAnswer): void {
  expectOAuthError(answer, 'temporarily_unavailable', 429)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

/** A token for an API key; for all of its scopes unless told which. */
export function requestKeyToken(server: Server, client: Credentials | null, scope?: string): Promise<OAuthAnswer> {
  const parameters = { grant_type: 'client_credentials', ...(scope !== undefined && { scope }) }
  return sendForm(server, TOKEN, parameters, { client })
}

/** The same, where there is one to be had. */
export const givenKeyToken = async (server: Server, client: Credentials, scope?: string): Promise<string> =>
  tokenIn(await requestKeyToken(server, client, scope))

/** Exchanges the token of a trusted issuer. */
export function exchange(
  server: Server,
  subjectToken: string,
  parameters: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<OAuthAnswer> {
  const standard = { grant_type: TOKEN_EXCHANGE, subject_token: subjectToken, subject_token_type: JWT_TYPE }
  return sendForm(server, TOKEN, { ...standard, ...parameters }, { headers })
}

export const refreshTokens = (server: Server, refreshToken: string, client: Credentials | null = null) =>
  sendForm(server, TOKEN, { grant_type: 'refresh_token', refresh_token: refreshToken }, { client })

export const introspect = (server: Server, client: Credentials | null, token: string) =>
  sendForm(server, INTROSPECT, { token }, { client })

/** What a key is told of a token. */
export async function stateTold(server: Server, client: Credentials, token: string): Promise<unknown> {
  const answer = await introspect(server, client, token)
  expect(answer.status).toBe(200)
  expectUncached(answer)
  return answer.body
}

export const revokeToken = (server: Server, token: string, client: Credentials | null = null) =>
  sendForm(server, REVOKE_TOKEN, { token }, { client })

/** The same, where nothing speaks against it. */
export async function givenRevoked(server: Server, token: string, client: Credentials | null = null): Promise<void> {
  const answer = await revokeToken(server, token, client)
  expect([answer.status, answer.body]).toEqual([200, {}])
  expectUncached(answer)
}

/** The access token of an answer that has one. */
export function tokenIn(answer: OAuthAnswer): string {
  expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ access_token: expect.any(String) })])
  expectUncached(answer)
  return answer.body.access_token
}
