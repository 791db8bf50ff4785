import { deepStrictEqual, match } from 'node:assert/strict'
import type { Person, Seed } from './seed.ts'
import type { Call, CaseId } from './workloads.ts'

/** The operations, in the words of the contract that our schema keeps; raw and Mercurius serve the same ones. */
export const documents = {
  typename: '{ __typename }',
  me: '{ me { id email firstName lastName createdAt } }',
  projects: '{ projects(first: 10) { nodes { id name createdAt gateways { nodes { id name } } } } }',
  principal: '{ principal { kind subject scopes } }',
  page: 'query ($after: String) { projects(first: 10, after: $after) { nodes { id name createdAt } } }',
  login: 'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }',
  refresh: 'mutation ($input: RefreshInput!) { refresh(input: $input) { accessToken refreshToken } }',
  cursors: 'query ($last: Int) { projects(last: $last) { edges { cursor } } }',
} as const

interface Asking {
  headers?: Record<string, string>
  variables?: Record<string, unknown>
  check?: (data: Record<string, unknown>) => void
}

/** A GraphQL operation as a request. */
export function operation(query: string, { headers, variables, check = () => {} }: Asking): Call {
  return {
    method: 'POST',
    path: '/graphql',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...headers },
    body: JSON.stringify({ query, ...(variables && { variables }) }),
    check(answer) {
      const { data, errors } = answer as { data?: Record<string, unknown>; errors?: unknown }
      if (errors || !data) throw new Error(`The answer is ${JSON.stringify(answer).slice(0, 500)}`)
      check(data)
    },
  }
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

const equals = (expected: unknown) => (data: unknown) => deepStrictEqual(data, expected)

function tokenPair(field: 'login' | 'refresh') {
  return (data: Record<string, unknown>) => {
    const { accessToken } = data[field] as { accessToken: string }
    match(accessToken, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  }
}

export function loginOf({ email, password }: Person): Call {
  return operation(documents.login, { variables: { input: { email, password } }, check: tokenPair('login') })
}

export function refreshOf(refreshToken: string): Call {
  return operation(documents.refresh, { variables: { input: { refreshToken } }, check: tokenPair('refresh') })
}

function pageOf({ large }: Seed, which: 'first' | 'deep', after: string | null): Call {
  const nodes = which === 'first' ? large.firstPage : large.deepPage
  const asking = { headers: bearer(large.owner.token), check: equals({ projects: { nodes } }) }
  return operation(documents.page, { ...asking, variables: { after } })
}

/**
 * The requests of a case, one for each of the people, sent in turn.
 * @param deepCursor what the server calls the place where the deep page begins
 */
export function graphqlCalls(id: CaseId, seed: Seed, deepCursor: string): Call[] {
  const { people } = seed
  const asEach = (query: string, expected: (person: Person) => unknown) =>
    people.map((person) =>
      operation(query, { headers: bearer(person.token), check: (data) => equals(expected(person))(data) }),
    )
  switch (id) {
    case 'W0':
      return asEach(documents.typename, () => ({ __typename: 'Query' }))
    case 'W1':
      return asEach(documents.me, ({ me }) => ({ me }))
    case 'W2':
    case 'W7 quiet':
    case 'W7 logins':
      return asEach(documents.projects, ({ projects }) => ({ projects: { nodes: projects } }))
    case 'W3':
      return people.map(({ apiKey, principal }) =>
        operation(documents.principal, { headers: { 'X-Api-Key': apiKey }, check: equals({ principal }) }),
      )
    case 'W4':
      return people.map(loginOf)
    case 'W5':
      return people.map(({ refreshToken }) => refreshOf(refreshToken))
    case 'W6 first':
      return [pageOf(seed, 'first', null)]
    case 'W6 deep':
      return [pageOf(seed, 'deep', deepCursor)]
  }
}
