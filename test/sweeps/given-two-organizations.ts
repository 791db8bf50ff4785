import { randomUUID } from 'node:crypto'
import { ownerOf, type TestDatabase } from '../database/given-database.ts'
import {
  givenGateway,
  givenMember,
  givenPerson,
  givenProject,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { givenRegistration } from '../issuer/given-registration.ts'
import { documentOf, operations, variablesOf, type Operation, type Place } from './given-sweep.ts'

/** An organization with a row of every kind, by kind. */
export interface Furnished {
  admin: Person
  ids: Record<string, string>
}

export interface Sweeping {
  server: TestServer
  owner: Pick<TestDatabase, 'asOwner'>
  ours: Furnished
  theirs: Furnished
  close(): Promise<void>
}

/** Bounds that the sweeps' own documents do not run into. */
const settings = {
  // Passwords are looked at wherever they may be sent.
  OAUTH_PASSWORD_GRANT: 'true',
  MAX_COST: '1000000',
  MAX_TOKENS: '10000',
  MAX_ALIASES: '100',
  SIGN_IN_FREE_FAILURES: '99',
  EXECUTION_TIMEOUT_MS: '60000',
}

export async function furnish(server: TestServer, owner: Sweeping['owner'], name: string): Promise<Furnished> {
  const admin = await givenPerson(server, `${name} ${randomUUID().slice(0, 8)}`)
  const member = await givenMember(server, admin, 'DEVELOPER')
  const project = await givenProject(server, admin, `project of ${name}`)
  const gateway = await givenGateway(server, admin, project, `gateway of ${name}`)
  const one = async (table: string, condition: string, value: string) =>
    String((await owner.asOwner(`select id from ${table} where ${condition} = $1 limit 1`, [value]))[0]?.id)
  const ids = {
    organization: admin.organizationId,
    user: member.userId,
    membership: member.membershipId,
    project,
    gateway,
    session: await one('sessions', 'user_id', admin.userId),
    auditEvent: await one('audit_events', 'organization_id', admin.organizationId),
  }
  const create = operations().find((operation) => operation.coordinate === 'Mutation.createApiKey')
  const made = create && (await ask(server, create, { token: admin.token }))
  const apiKey = made?.data?.createApiKey?.apiKey?.id as string | undefined
  const { id: issuer } = await givenRegistration(server, admin, 'https://id.example.com')
  return { admin, ids: { ...ids, issuer, ...(apiKey && { apiKey }) } }
}

/** A server with two organizations that know nothing of each other. */
export async function givenTwoOrganizations(): Promise<Sweeping> {
  const server = await startServer({ settings })
  const { run, end } = await ownerOf(server.app.services.database, server.databaseUrl)
  const owner = { asOwner: run }
  return {
    server,
    owner,
    ours: await furnish(server, owner, 'Ours'),
    theirs: await furnish(server, owner, 'Theirs'),
    async close() {
      await end()
      await server.close()
    },
  }
}

interface Asking {
  token?: string | null
  value?: string
  places?: readonly Place[]
  variables?: Record<string, unknown>
  headers?: Record<string, string>
  /** How deep the answer is selected. */
  levels?: number
}

/** Sends an operation with generated inputs, and `value` at the places. */
export function ask(server: TestServer, operation: Operation, asking: Asking = {}): Promise<Answer> {
  const { token = null, value, places = [], variables, headers = {}, levels } = asking
  return server.send(documentOf(operation, levels), {
    token,
    headers,
    variables: variables ?? variablesOf(operation, value, places),
  })
}

/** An answer as text, without what differs from request to request anyway and without the ids that were asked for. */
export function masked({ status, data, errors }: Answer, ...ids: readonly string[]): string {
  const text = JSON.stringify({ status, data, errors }, null, 1).replaceAll(/"requestId": "[^"]*"/g, '"requestId": "…"')
  return ids.reduce((masking, id) => masking.replaceAll(id, '[id]'), text)
}

/** The codes of an answer's errors, or `ok`. */
export const verdictOf = ({ errors }: Answer): string =>
  [...new Set(errors.map(({ extensions }) => String(extensions.code)))].sort().join(' ') || 'ok'
