import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ownerOf } from '../database/given-database.ts'
import { createDatabase, expectError, givenPerson, POSTGRES_URL, startServer, type TestServer } from '../harness.ts'
import { operatorOfKeys } from './given-key-command.ts'
import { givenClock, publishSeconds, sharedKeySettings } from './given-signing-keys.ts'
import { jsonOf, partsOf } from './given-tokens.ts'

const time = givenClock(Date.now())
let database: { url: string; drop: () => Promise<void> } | null
/** Two instances on PostgreSQL; the embedded database serves one. */
let servers: TestServer[]
let owner: Awaited<ReturnType<typeof ownerOf>>
let here: TestServer

beforeEach(async () => {
  database = POSTGRES_URL ? await createDatabase() : null
  const starting = { settings: sharedKeySettings, clock: time.clock, databaseUrl: database?.url }
  servers = await Promise.all(Array.from({ length: database ? 2 : 1 }, () => startServer(starting)))
  ;[here] = servers as [TestServer]
  owner = await ownerOf(here.app.services.database, database?.url)
})
afterEach(async () => {
  await owner?.end()
  for (const server of servers) await server.close()
  await database?.drop()
})

const kidOf = (token: string) => String(jsonOf(partsOf(token)[0]).kid)
const ask = (server: TestServer, token: string) => server.send('{ principal { kind } }', { token })
const notified = `perform pg_notify('tenantry_signing_keys', '');`

async function readinessOf(server: TestServer) {
  const answer = await fetch(`${server.url}/health/ready`)
  const { status, checks } = (await answer.json()) as { status: string; checks: Record<string, string> }
  return [answer.status, status, checks.signingKeys]
}

/** Waits until each instance's readiness is this; it is kept for a second. */
async function untilReady(expected: unknown[]): Promise<void> {
  const start = performance.now()
  for (const server of servers) {
    for (;;) {
      const found = await readinessOf(server)
      if (JSON.stringify(found) === JSON.stringify(expected)) break
      if (performance.now() - start > 5_000) expect(found).toEqual(expected)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

test('a key that is revoked while its table cannot be read is refused, and the instances say that they serve nobody', async () => {
  const { token } = await givenPerson(here)
  await operatorOfKeys(here, time.clock).rotate()
  time.pass(publishSeconds)
  for (const server of servers) expect((await ask(server, token)).errors).toEqual([])
  await owner.run(`do $$ begin
    update signing_keys set revoked_at = now(), private_key = null where kid = '${kidOf(token)}';
    revoke select on signing_keys from tenantry_authentication; ${notified} end $$`)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  for (const server of servers) {
    const answer = await ask(server, token)
    expectError(answer, 'INTERNAL_SERVER_ERROR')
    expect([answer.status, answer.data?.principal]).toEqual([500, undefined])
    expect(JSON.stringify(answer.errors)).not.toContain('signing_keys')
  }
  await untilReady([503, 'unavailable', 'unavailable: the signing keys of the database cannot be read'])
  await owner.run('grant select on signing_keys to tenantry_authentication')
  await untilReady([200, 'ok', undefined])
  for (const server of servers) expectError(await ask(server, token), 'UNAUTHENTICATED', 'INVALID')
})

test('where no key opens, no instance is ready', async () => {
  const { token } = await givenPerson(here)
  const [row] = await owner.run('select private_key from signing_keys')
  await owner.run(`do $$ begin update signing_keys set private_key = 'v1.changed'; ${notified} end $$`)
  await untilReady([503, 'unavailable', 'unavailable: none of the signing keys of the database may sign'])
  for (const server of servers) {
    expect((await ask(server, token)).status).toBe(500)
    expect((await fetch(`${server.url}/.well-known/jwks.json`)).status).toBe(500)
  }
  await owner.run(`do $$ begin update signing_keys set private_key = '${row?.private_key}'; ${notified} end $$`)
  await untilReady([200, 'ok', undefined])
  for (const server of servers) expect((await ask(server, token)).errors).toEqual([])
})

test('where one of the keys opens, the instances stay ready', async () => {
  await operatorOfKeys(here, time.clock).rotate()
  await owner.run(
    `do $$ begin update signing_keys set private_key = 'v1.changed' where signs_until is null; ${notified} end $$`,
  )
  await untilReady([200, 'degraded', 'degraded: a signing key of the database does not open'])
  const { token } = await givenPerson(here)
  for (const server of servers) expect((await ask(server, token)).errors).toEqual([])
})
