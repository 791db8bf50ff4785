import { expect } from '@jest/globals'
import type { Answer, Person, TestServer } from '../harness.ts'

const FIELDS =
  'id name description service scopes lastEight status createdAt lastUsedAt expiresAt revokedAt rateLimitPerMinute'

export const CREATE = `mutation ($input: CreateApiKeyInput!) {
  createApiKey(input: $input) { secret apiKey { ${FIELDS} createdBy { id } rotatedTo { id } } }
}`
export const UPDATE = `mutation ($input: UpdateApiKeyInput!) { updateApiKey(input: $input) { apiKey { ${FIELDS} } } }`
export const ROTATE = `mutation ($input: RotateApiKeyInput!) {
  rotateApiKey(input: $input) { secret apiKey { ${FIELDS} } previous { ${FIELDS} rotatedTo { id } } }
}`
export const REVOKE = `mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { ${FIELDS} } } }`
export const READ = `query ($id: ID!) { apiKey(id: $id) { ${FIELDS} createdBy { id } rotatedTo { id name } } }`
export const PROJECTS = '{ projects { totalCount } }'

/** A key as the API shows it. */
export interface Key {
  id: string
  name: string
  description: string | null
  service: string
  scopes: string[]
  lastEight: string
  status: string
  createdAt: string
  lastUsedAt: string | null
  expiresAt: string | null
  revokedAt: string | null
  rateLimitPerMinute: number | null
  createdBy: { id: string } | null
  rotatedTo: { id: string } | null
}

/** What a mutation answers. */
export interface KeyChange {
  apiKey: Key
  previous: Key
  secret: string
}

/** A key as its creator got it. */
export interface GivenKey {
  id: string
  secret: string
  lastEight: string
}

/** A key of the person's organization; one that may do everything unless told otherwise. */
export async function givenApiKey(
  server: Pick<TestServer, 'send'>,
  person: Pick<Person, 'token'>,
  input: Record<string, unknown> = {},
): Promise<GivenKey> {
  const answer = await server.send(CREATE, {
    token: person.token,
    variables: { input: { name: 'A key', service: 'metabase', scopes: ['*:*'], ...input } },
  })
  expect(answer.errors).toEqual([])
  const { secret, apiKey } = (answer.data as { createApiKey: Pick<KeyChange, 'secret' | 'apiKey'> }).createApiKey
  return { secret, id: apiKey.id, lastEight: apiKey.lastEight }
}

/** What the key's bearer gets for a query. */
export function sendWithKey(
  server: Pick<TestServer, 'send'>,
  secret: string,
  query = PROJECTS,
  variables?: Record<string, unknown>,
): Promise<Answer> {
  return server.send(query, { headers: { 'x-api-key': secret }, ...(variables && { variables }) })
}

/** Changes a key as the person; the answer has no error. */
export async function change(
  server: Pick<TestServer, 'send'>,
  person: Pick<Person, 'token'>,
  mutation: string,
  input: Record<string, unknown>,
): Promise<KeyChange> {
  const answer = await server.send(mutation, { token: person.token, variables: { input } })
  expect(answer.errors).toEqual([])
  return Object.values(answer.data as Record<string, KeyChange>)[0]!
}

/** Reads a key as the person. */
export async function readKey(
  server: Pick<TestServer, 'send'>,
  person: Pick<Person, 'token'>,
  id: string,
): Promise<Key> {
  const answer = await server.send(READ, { token: person.token, variables: { id } })
  expect(answer.errors).toEqual([])
  return (answer.data as { apiKey: Key }).apiKey
}
