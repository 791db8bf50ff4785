import { randomUUID } from 'node:crypto'
import { givenApiKey } from '../api-key/given-api-key.ts'
import type { Choices } from '../choices.ts'
import { tenantTables } from '../database/given-database.ts'
import { givenGateway, givenMember, givenPerson, givenProject, type Person, type TestServer } from '../harness.ts'
import { givenRegistration } from '../issuer/given-registration.ts'
import type { Sweeping } from './given-two-organizations.ts'

type Owner = Sweeping['owner']

/** A caller of an organization: what it sends beside the operation. */
export interface Caller {
  readonly name: string
  readonly token: string | null
  readonly headers: Record<string, string>
}

/** An organization with rows of every kind, and a text that stands in everything that it has written. */
export interface RandomTenant {
  readonly admin: Person
  readonly marker: string
  readonly callers: readonly Caller[]
  /** Whatever may be given where an id belongs, and what where a cursor does. */
  readonly ids: readonly string[]
  readonly cursors: readonly string[]
  readonly emails: readonly string[]
}

/** Makes an organization whose rows are more or fewer by chance. */
export async function randomTenant(c: Choices, server: TestServer, owner: Owner): Promise<RandomTenant> {
  const marker = `mark${randomUUID().replaceAll('-', '')}`
  const admin = await givenPerson(server, `${marker} Inc`)
  const developer = await givenMember(server, admin, 'DEVELOPER')
  const viewer = await givenMember(server, admin, 'VIEWER')
  await owner.asOwner('update users set first_name = $1, last_name = $1 where id = any($2)', [
    marker,
    [admin.userId, developer.userId, viewer.userId],
  ])
  for (let count = 1 + c.below(3); count > 0; count -= 1) {
    const project = await givenProject(server, admin, `project ${count} ${marker}`)
    for (let at = c.below(3); at >= 0; at -= 1) await givenGateway(server, admin, project, `gateway ${at} ${marker}`)
  }
  const key = await givenApiKey(server, admin, { name: `key ${marker}`, scopes: ['*:*'] })
  await givenRegistration(server, admin, `https://${marker}.example.com`)
  const bearer = (name: string, token: string, headers = {}) => ({ name, token, headers })
  const tenantHeaders = { 'x-tenant-id': admin.organizationId, 'x-tenant-api-key': key.secret }
  return {
    admin,
    marker,
    callers: [
      bearer('admin', admin.token),
      bearer('developer', developer.token),
      bearer('viewer', viewer.token),
      { name: 'key', token: null, headers: { 'x-api-key': key.secret } },
      bearer('admin with a key', admin.token, tenantHeaders),
    ],
    ids: await idsOf(owner, admin.organizationId),
    cursors: await cursorsOf(server, admin),
    emails: [admin.email, developer.email, viewer.email],
  }
}

/** Every row of the organizations, their own and their members' included, as one text a row. */
export async function rowsOf(owner: Owner, organizationIds: readonly string[]): Promise<string[]> {
  const members = 'select user_id from memberships where organization_id = any($1)'
  const tables = (await tenantTables(owner)).map((name) => [name, 'organization_id = any($1)'])
  const parts = [...tables, ['organizations', 'id = any($1)'], ['users', `id in (${members})`]].map(
    ([name, condition]) => `select '${name} ' || t::text as row from "${name}" t where t.${condition}`,
  )
  const rows = await owner.asOwner(`${parts.join(' union all ')} order by 1`, [organizationIds])
  return rows.map(({ row }) => String(row))
}

/** The ids of an organization's rows, its own, and its members'. */
async function idsOf(owner: Owner, organizationId: string): Promise<string[]> {
  const rows = await rowsOf(owner, [organizationId])
  // A row begins with the name of its table and its id.
  const found = rows.flatMap((row) => /^\w+ \(([\da-f-]{36}),/.exec(row)?.[1] ?? [])
  return [...new Set(found)]
}

const LISTS = ['projects', 'gateways', 'apiKeys', 'auditEvents', 'issuers']

async function cursorsOf(server: TestServer, { token }: Person): Promise<string[]> {
  const query = `{ ${LISTS.map((name) => `${name}(first: 2) { edges { cursor } }`).join(' ')} }`
  const { data } = await server.send(query, { token })
  return LISTS.flatMap((name) => (data[name].edges as { cursor: string }[]).map(({ cursor }) => cursor))
}
