import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import { createApp, type App } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { createLogger } from '../src/http/log.ts'
import { createMigratedDatabase, POSTGRES_URL } from './databases.ts'
import { ownerOf } from './given-owner.ts'
import { embeddedImage } from './embedded-image.ts'
import { noteHeaders, noteSecretsIn, noteSettings, sweepServer } from './secrets-sweep.ts'

export { createDatabase, POSTGRES_URL } from './databases.ts'

/** The Redis that the suite's rate limits are counted in; without one, in the database. */
export const REDIS_URL = process.env.REDIS_URL

/** A GraphQL answer, as it came over HTTP. */
export interface Answer {
  status: number
  headers: Headers
  // Tests read deep into answers of many shapes.
  data: any
  errors: { message: string; path?: (string | number)[]; extensions: Record<string, any> }[]
}

export interface Sending {
  variables?: Record<string, unknown>
  token?: string | null
  headers?: Record<string, string>
}

/** A real server, on a real port and a real database, as the tests see it. */
export interface TestServer {
  url: string
  app: App
  /** What it has logged, one JSON object a line. */
  logged: string[]
  databaseUrl: string | undefined
  send(query: string, sending?: Sending): Promise<Answer>
  close(): Promise<void>
}

interface Starting {
  /** Settings, as in the environment. */
  settings?: Record<string, string>
  clock?: () => Date
  /** The database of another test server, for several instances on one: PostgreSQL alone. */
  databaseUrl?: string | undefined
}

/** The settings of a test server that are no setting's default. */
export const SETTINGS = {
  NODE_ENV: 'test',
  PORT: '0',
  DATA_DIR: ':memory:',
  JWT_SECRET: 'c29tZSBzZWNyZXQgZm9yIHRlc3RzIGFsb25lIQ-and-long',
  PASSWORD_PEPPER: 'a pepper for tests alone, long enough',
  PASSWORD_HASH_COST: '4',
  API_KEY_HASH_KEY: 'a key for the hashes of tests alone, long enough',
  SIGN_IN_FREE_FAILURES_PER_ADDRESS: '10000',
  // A suite sends more from its one address in a minute than anybody would.
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
  RATE_LIMIT_USER_PER_MINUTE: '1000000',
  RATE_LIMIT_ISSUER_PER_MINUTE: '1000000',
  RATE_LIMIT_API_KEY_PER_MINUTE: '1000000',
  RATE_LIMIT_API_KEY_MAX_PER_MINUTE: '1000000',
  RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: '1000000',
  RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE: '1000000',
  // A test works in the server's own process, and makes its event loop late.
  MAX_EVENT_LOOP_DELAY_MS: '60000',
  LOG_LEVEL: 'info',
}

/** Instances on one database share their limits, and others do not. */
const redisOf = (databaseUrl: string | undefined) => ({
  REDIS_URL,
  REDIS_KEY_PREFIX: `test:${databaseUrl ? new URL(databaseUrl).pathname.slice(-32) : randomUUID()}:`,
})

/** Starts a server on a database of its own, empty and migrated. */
export async function startServer({ settings = {}, clock, databaseUrl }: Starting = {}): Promise<TestServer> {
  const own = POSTGRES_URL && !databaseUrl ? await createMigratedDatabase() : null
  const url = databaseUrl ?? own?.url
  const logged: string[] = []
  const log = createLogger('info', { write: (line: string) => void logged.push(line) })
  const given = { ...SETTINGS, ...redisOf(url), DATABASE_URL: url, ...settings }
  const app = await createApp(loadConfig(given, '/dev/null'), { log, image: embeddedImage(), ...(clock && { clock }) })
  const sweep = sweepServer(app.server.server)
  noteSettings(given)
  await app.listen()
  const { port } = app.server.server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  return {
    url: address,
    app,
    logged,
    databaseUrl: url,
    send: (query, sending) => sendTo(address, query, sending),
    async close() {
      const shown = databaseUrl ? {} : await shownBy(app, url)
      await app.close()
      await own?.drop()
      sweep.check({ ...shown, 'a line of the log': logged })
    },
  }
}

/** What a server shows to operators: its audit trail and its metrics. */
async function shownBy(app: App, databaseUrl: string | undefined): Promise<Record<string, string[]>> {
  const owner = await ownerOf(app.services.database, databaseUrl)
  const events = await owner.run('select to_jsonb(e)::text as event from audit_events e')
  await owner.end()
  const metrics = [await app.services.metrics.text()]
  return { 'an audit event': events.map(({ event }) => String(event)), 'the metrics': metrics }
}

/** Sends a GraphQL operation to a server. */
export async function sendTo(url: string, query: string, { variables, token, headers }: Sending = {}): Promise<Answer> {
  const credentials = { ...(token && { authorization: `Bearer ${token}` }), ...headers }
  const question = JSON.stringify({ query, variables })
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials },
    body: question,
  })
  const text = await response.text()
  noteHeaders(credentials)
  noteSecretsIn(question + text)
  const body = JSON.parse(text) as { data?: unknown; errors?: Answer['errors'] }
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors ?? [] }
}

/** A signed-in person. */
export interface Person {
  email: string
  password: string
  userId: string
  token: string
  refreshToken: string
  organizationId: string
  organizationSlug: string
}

export const PASSWORD = 'correct horse battery 7'
let people = 0

/** Somebody who has just registered; with an organization of their own unless told otherwise. */
export async function givenPerson(
  server: Pick<TestServer, 'send'>,
  organizationName: string | null = 'Acme',
): Promise<Person> {
  people += 1
  const email = `person-${people}-${randomUUID().slice(0, 8)}@example.test`
  const answer = await server.send(
    `mutation ($input: RegisterInput!) {
      register(input: $input) { accessToken refreshToken user { id } organization { id slug } }
    }`,
    { variables: { input: { email, password: PASSWORD, organizationName } } },
  )
  expect(answer.errors).toEqual([])
  const { accessToken, refreshToken, user, organization } = answer.data.register
  return {
    email,
    password: PASSWORD,
    userId: user.id,
    token: accessToken,
    refreshToken,
    organizationId: organization?.id ?? '',
    organizationSlug: organization?.slug ?? '',
  }
}

/** Somebody else, made a member of the admin's organization with a role and signed in to it. */
export async function givenMember(
  server: Pick<TestServer, 'send'>,
  admin: Person,
  role: 'VIEWER' | 'DEVELOPER' | 'ADMIN',
) {
  const person = await givenPerson(server, null)
  const added = await server.send(
    `mutation ($input: AddMemberInput!) { addMember(input: $input) { membership { id } } }`,
    { token: admin.token, variables: { input: { email: person.email, role } } },
  )
  expect(added.errors).toEqual([])
  const signedIn = await server.send(
    `mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }`,
    { variables: { input: { email: person.email, password: PASSWORD, organizationId: admin.organizationId } } },
  )
  expect(signedIn.errors).toEqual([])
  return {
    ...person,
    token: signedIn.data.login.accessToken as string,
    refreshToken: signedIn.data.login.refreshToken as string,
    organizationId: admin.organizationId,
    membershipId: added.data.addMember.membership.id as string,
  }
}

/** A project of the person's organization. */
export async function givenProject(
  server: Pick<TestServer, 'send'>,
  person: Person,
  name = 'A project',
): Promise<string> {
  const answer = await server.send(
    `mutation ($name: String!) { createProject(input: { name: $name }) { project { id } } }`,
    {
      token: person.token,
      variables: { name },
    },
  )
  expect(answer.errors).toEqual([])
  return answer.data.createProject.project.id
}

/** A gateway of a project. */
export async function givenGateway(
  server: Pick<TestServer, 'send'>,
  person: Person,
  projectId: string,
  name = 'A gateway',
): Promise<string> {
  const answer = await server.send(
    `mutation ($input: CreateGatewayInput!) { createGateway(input: $input) { gateway { id } } }`,
    { token: person.token, variables: { input: { projectId, name } } },
  )
  expect(answer.errors).toEqual([])
  return answer.data.createGateway.gateway.id
}

/** The answer has exactly one error, with this code (and reason, where one is given). */
export function expectError(answer: Answer, code: string, reason?: string): void {
  expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code])
  if (reason !== undefined) expect(answer.errors[0]?.extensions.reason).toBe(reason)
}
