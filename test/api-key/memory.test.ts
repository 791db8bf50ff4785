import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { expectError, givenPerson, POSTGRES_URL, startServer, type Person, type TestServer } from '../harness.ts'
import { change, givenApiKey, REVOKE, ROTATE, sendWithKey, UPDATE } from './given-api-key.ts'

const WHO = '{ principal { kind subject } }'

let a: TestServer
/** Another instance on the same database; the embedded database serves one process, so there it is the same one. */
let b: TestServer
let admin: Person

beforeAll(async () => {
  a = await startServer()
  b = POSTGRES_URL ? await startServer({ databaseUrl: a.databaseUrl }) : a
  admin = await givenPerson(a)
})
afterAll(async () => {
  if (b !== a) await b.close()
  await a.close()
})

/** Counts what the server sends to its database. */
function countStatements(server: TestServer): { readonly sent: number; stop(): void } {
  const connection = server.app.services.database.orm.em.getConnection()
  const execute = connection.execute.bind(connection)
  const begin = connection.begin.bind(connection)
  const client = connection.getClient()
  const executeQuery = client.executeQuery.bind(client)
  const counter = {
    sent: 0,
    stop() {
      Object.assign(connection, { execute, begin })
      Object.assign(client, { executeQuery })
    },
  }
  const counted =
    <Given extends unknown[], Result>(statement: (...given: Given) => Result) =>
    (...given: Given): Result => {
      counter.sent += 1
      return statement(...given)
    }
  Object.assign(connection, { execute: counted(execute), begin: counted(begin) })
  // What the rate limits are counted with.
  Object.assign(client, { executeQuery: counted(executeQuery) })
  return counter
}

/** Asks until the answer has this reason. @returns after how many milliseconds. */
async function msUntilRefused(server: TestServer, secret: string, reason: string): Promise<number> {
  const start = performance.now()
  for (;;) {
    const answer = await sendWithKey(server, secret, WHO)
    if (answer.errors[0]?.extensions.reason === reason) return performance.now() - start
    if (performance.now() - start > 5_000) throw new Error(`not refused with ${reason} within 5 s`)
  }
}

test('1,000 requests with a known key send no statement for authentication', async () => {
  const { id, secret } = await givenApiKey(a, admin)
  const counter = countStatements(a)
  await sendWithKey(a, secret, WHO)
  expect(counter.sent).toBeGreaterThan(0)
  const first = counter.sent
  for (let hundred = 0; hundred < 10; hundred += 1) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => sendWithKey(a, secret, WHO)))
    for (const answer of answers) expect(answer.data).toEqual({ principal: { kind: 'API_KEY', subject: id } })
  }
  expect(counter.sent).toBe(first)
  counter.stop()
})

test('100 first requests at once look the key up as often as one does', async () => {
  const lookUps = async (requests: number) => {
    const { secret } = await givenApiKey(a, await givenPerson(a))
    const counter = countStatements(a)
    await Promise.all(Array.from({ length: requests }, () => sendWithKey(a, secret, WHO)))
    counter.stop()
    return counter.sent
  }
  expect(await lookUps(100)).toBe(await lookUps(1))
})

test('a key with a wrong checksum is refused without a statement', async () => {
  const counter = countStatements(a)
  expectError(await sendWithKey(a, `tk_test_${'0'.repeat(49)}`, WHO), 'UNAUTHENTICATED', 'MALFORMED')
  expect(counter.sent).toBe(0)
  counter.stop()
})

test.each([
  ['REVOKED', REVOKE, {}],
  ['INACTIVE', UPDATE, { isActive: false }],
  ['EXPIRED', ROTATE, { overlapSeconds: 0 }],
])('%s by one instance is refused by it at once, and by another within a second', async (reason, mutation, input) => {
  const { id, secret } = await givenApiKey(a, admin)
  for (const server of [a, b]) expect((await sendWithKey(server, secret, WHO)).errors).toEqual([])
  await change(a, admin, mutation, { id, ...input })
  expectError(await sendWithKey(a, secret, WHO), 'FORBIDDEN', reason)
  expect(await msUntilRefused(b, secret, reason)).toBeLessThan(1_000)
})

test('new scopes of a key are in force on every instance', async () => {
  const { id, secret } = await givenApiKey(a, admin, { scopes: ['read:*'] })
  const scopesOn = async (server: TestServer) =>
    ((await sendWithKey(server, secret, '{ principal { scopes } }')).data as { principal: { scopes: string[] } })
      .principal.scopes
  expect(await scopesOn(b)).toEqual(['read:*'])
  await change(a, admin, UPDATE, { id, scopes: ['read:projects'] })
  expect(await scopesOn(a)).toEqual(['read:projects'])
  for (const end = Date.now() + 1_000; Date.now() < end;) if ((await scopesOn(b))[0] === 'read:projects') return
  throw new Error('the old scopes were in force for more than a second')
})

test('with the channel cut, a revoked key is refused all the same', async () => {
  const { id, secret } = await givenApiKey(a, admin)
  expect((await sendWithKey(b, secret, WHO)).errors).toEqual([])
  if (POSTGRES_URL) await cutListeners()
  await change(a, admin, REVOKE, { id })
  expectError(await sendWithKey(a, secret, WHO), 'FORBIDDEN', 'REVOKED')
  expectError(await sendWithKey(b, secret, WHO), 'FORBIDDEN', 'REVOKED')
})

/** Ends the connections that the instances listen on, and waits until both have noticed. */
async function cutListeners(): Promise<void> {
  const client = new Client({ connectionString: a.databaseUrl })
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'tenantry listener'`,
  )
  await client.end()
  await new Promise((done) => setTimeout(done, 100))
}

test('the keys of a suspended or deleted organization are refused, and work again when it is reinstated', async () => {
  const owner = await givenPerson(a)
  const { secret } = await givenApiKey(a, owner)
  expect((await sendWithKey(b, secret, WHO)).errors).toEqual([])
  await setSuspended(owner.organizationId, true)
  expectError(await sendWithKey(a, secret, WHO), 'FORBIDDEN', 'ORGANIZATION_SUSPENDED')
  expect(await msUntilRefused(b, secret, 'ORGANIZATION_SUSPENDED')).toBeLessThan(1_000)
  await setSuspended(owner.organizationId, false)
  expect((await sendWithKey(a, secret, WHO)).errors).toEqual([])
  await change(
    a,
    owner,
    'mutation ($input: DeleteOrganizationInput!) { deleteOrganization(input: $input) { organization { id } } }',
    { confirmSlug: owner.organizationSlug },
  )
  expectError(await sendWithKey(a, secret, WHO), 'FORBIDDEN', 'ORGANIZATION_DELETED')
})

/** As an operator does. */
async function setSuspended(organizationId: string, suspended: boolean): Promise<void> {
  const { database, apiKeys } = a.app.services
  const { inTransaction } = await import('../../src/database/tenancy.ts')
  await inTransaction(database, { door: 'operator', organizationId: null, readOnly: false }, async (em) => {
    await em.execute(`update organizations set suspended_at = ${suspended ? 'now()' : 'null'} where id = ?`, [
      organizationId,
    ])
    await apiKeys.changed(em, organizationId)
  })
}
