import { Client } from 'pg'
import { sendTo, type Answer, type Person, type Sending, type TestServer } from '../harness.ts'

type Sender = Pick<TestServer, 'send'>

/** A clock that stands still until it is told otherwise. */
export function givenClock() {
  let now = Date.now()
  return {
    clock: () => new Date(now),
    advance: (seconds: number) => void (now += seconds * 1_000),
  }
}

/** Runs a statement as the owner of the tables, past every wall; `?` stands for a value. */
export async function asOwner<Row = Record<string, unknown>>(
  server: TestServer,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  if (server.databaseUrl) {
    const client = new Client({ connectionString: server.databaseUrl })
    await client.connect()
    try {
      let number = 0
      return (
        await client.query(
          sql.replaceAll('?', () => `$${(number += 1)}`),
          [...values],
        )
      ).rows as Row[]
    } finally {
      await client.end()
    }
  }
  const connection = server.app.services.database.orm.em.getConnection()
  await connection.execute('reset role')
  try {
    return await connection.execute<Row[]>(sql, values)
  } finally {
    await connection.execute('set role tenantry_server')
  }
}

/** What has been recorded, oldest first; with `actions`, of those alone. */
export async function auditEvents(server: TestServer, ...actions: string[]) {
  const events = await asOwner<{
    action: string
    succeeded: boolean
    actor_kind: string | null
    actor_id: string | null
    organization_id: string | null
    target_id: string | null
  }>(
    server,
    'select action, succeeded, actor_kind, actor_id, organization_id, target_id from audit_events order by created_at, id',
  )
  return actions.length === 0 ? events : events.filter((event) => actions.includes(event.action))
}

/** A token pair. */
export interface Tokens {
  token: string
  refreshToken: string
}

const PAIR = 'accessToken refreshToken'

interface LoginInput {
  email: unknown
  password: unknown
  organizationId?: unknown
}

export function login(server: Sender, person: LoginInput, sending: Sending = {}): Promise<Answer> {
  const { email, password, organizationId } = person
  const query = `mutation ($input: LoginInput!) {
    login(input: $input) { ${PAIR} tokenType expiresIn user { id } organization { id slug } }
  }`
  return server.send(query, { ...sending, variables: { input: { email, password, organizationId } } })
}

/** Another session of the person. */
export async function givenLogin(
  server: Sender,
  { email, password }: Person,
  organizationId?: string,
): Promise<Tokens> {
  return pairOf(await login(server, { email, password, organizationId }))
}

export function refresh(server: Sender, refreshToken: string): Promise<Answer> {
  const query = `mutation ($input: RefreshInput!) {
    refresh(input: $input) { ${PAIR} expiresIn user { id } organization { id } }
  }`
  return server.send(query, { variables: { input: { refreshToken } } })
}

export function switchOrganization(server: Sender, token: string | null, organizationId: unknown): Promise<Answer> {
  const query = `mutation ($id: ID!) {
    switchOrganization(input: { organizationId: $id }) { ${PAIR} organization { id } }
  }`
  return server.send(query, { token, variables: { id: organizationId } })
}

export function changePassword(
  server: Sender,
  token: string | null,
  currentPassword: string,
  newPassword: string,
): Promise<Answer> {
  const query = `mutation ($input: ChangePasswordInput!) {
    changePassword(input: $input) { ${PAIR} user { id } organization { id } }
  }`
  return server.send(query, { token, variables: { input: { currentPassword, newPassword } } })
}

export function logout(server: Sender, token: string | null, everywhere?: boolean): Promise<Answer> {
  const query = 'mutation ($input: LogoutInput) { logout(input: $input) { revokedSessions } }'
  const variables = everywhere === undefined ? {} : { input: { everywhere } }
  return server.send(query, { token, variables })
}

/** The token pair of an answer of any of these. @throws Error where there is none. */
export function pairOf(answer: Answer): Tokens {
  const [payload] = Object.values((answer.data ?? {}) as Record<string, { accessToken: string; refreshToken: string }>)
  if (!payload) throw new Error(`no tokens: ${JSON.stringify(answer.errors)}`)
  return { token: payload.accessToken, refreshToken: payload.refreshToken }
}

/** Who the server takes the token's holder to be. */
export function whoIs(server: Sender, token: string | null, headers: Record<string, string> = {}): Promise<Answer> {
  return server.send('{ principal { subject role organization { id } } }', { token, headers })
}

/** `ok`, or why the token is refused. */
export async function stateOf(server: Sender, token: string): Promise<string> {
  const { errors } = await whoIs(server, token)
  return errors.length === 0 ? 'ok' : errors.map(({ extensions }) => extensions.reason as string).join()
}

/** The claims of an access token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}

/** The session that an access token belongs to. */
export const sessionIdOf = (token: string): string => String(claimsOf(token).sid)

/** A server that is known by its address alone. */
export const at = (url: string): Sender => ({ send: (query, sending) => sendTo(url, query, sending) })

/** `count` times at once. */
export const together = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)))
