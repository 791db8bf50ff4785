import { deepStrictEqual } from 'node:assert/strict'
import type { Contestant } from '../contestants.ts'
import { bearer, documents, operation } from '../graphql-calls.ts'
import type { Person, Seed } from '../seed.ts'
import { send, type Call, type CaseId } from '../workloads.ts'
import { peerSettings } from './raw.contestant.ts'

/** The contract's operations in the words that PostGraphile makes of the tables. */
const words = {
  me: 'query ($id: UUID!) { me: userByRowId(rowId: $id) { id: rowId email firstName lastName createdAt } }',
  projects: `{ projects: allProjects(first: 10, orderBy: ROW_ID_ASC) { nodes {
    id: rowId name createdAt
    gateways: gatewaysByOrganizationIdAndProjectId(orderBy: ROW_ID_ASC) { nodes { id: rowId name } }
  } } }`,
  page: `query ($after: Cursor) { projects: allProjects(first: 10, after: $after, orderBy: ROW_ID_ASC) {
    nodes { id: rowId name createdAt }
  } }`,
  cursors: '{ projects: allProjects(last: 11, orderBy: ROW_ID_ASC) { edges { cursor } } }',
}

/** PostGraphile writes moments as PostgreSQL does: with the same instant, in another spelling. */
function respelled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(respelled)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    name === 'createdAt' ? new Date(String(inner)).toISOString() : respelled(inner),
  ])
  return Object.fromEntries(entries) as unknown
}

const equals = (expected: unknown) => (data: unknown) => deepStrictEqual(respelled(data), expected)

async function pageOf({ large }: Seed, url: string, which: 'first' | 'deep'): Promise<Call> {
  const headers = bearer(large.owner.token)
  let after: string | null = null
  if (which === 'deep') {
    const answer = await send(url, operation(words.cursors, { headers }))
    after = (answer as { data: { projects: { edges: { cursor: string }[] } } }).data.projects.edges[0]?.cursor ?? ''
  }
  const nodes = which === 'first' ? large.firstPage : large.deepPage
  return operation(words.page, { headers, variables: { after }, check: equals({ projects: { nodes } }) })
}

const callsOf: Partial<Record<CaseId, (person: Person) => Call>> = {
  W0: ({ token }) => operation(documents.typename, { headers: bearer(token) }),
  W1: ({ token, me }) =>
    operation(words.me, { headers: bearer(token), variables: { id: me.id }, check: equals({ me }) }),
  W2: ({ token, projects }) =>
    operation(words.projects, { headers: bearer(token), check: equals({ projects: { nodes: projects } }) }),
}

/** The schema made from the tables; our own policies keep tenants apart, by role and settings from the token. */
export const postgraphile: Contestant = {
  name: 'postgraphile',
  title: 'PostGraphile 5, RLS',
  program: new URL('./postgraphile.ts', import.meta.url),
  settings: peerSettings,
  async calls(id, seed, url) {
    if (id === 'W6 first' || id === 'W6 deep') return [await pageOf(seed, url, id === 'W6 first' ? 'first' : 'deep')]
    const call = callsOf[id]
    return call ? seed.people.map(call) : []
  },
}
