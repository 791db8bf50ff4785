import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { listenersOf, readPoolSize } from '../../src/database/pool-size.ts'
import { POSTGRES_URL, startServer } from '../harness.ts'
import { databaseConfig } from './given-database.ts'

const login = `tenantry_test_${randomBytes(6).toString('hex')}`
let owner: Client

beforeAll(async () => {
  owner = new Client({ connectionString: POSTGRES_URL })
  await owner.connect()
  await owner.query(`create role ${login} login password 'a password for this test' connection limit 20`)
})
afterAll(async () => {
  await owner.query(`drop role ${login}`)
  await owner.end()
})

function sizeFor(settings: Record<string, string>): Promise<number> {
  const url = new URL(POSTGRES_URL ?? '')
  url.username = login
  url.password = 'a password for this test'
  return readPoolSize(databaseConfig(url.href, settings))
}

test('the limit of the login is divided among the workers', async () => {
  expect(await sizeFor({})).toBe(7)
  expect(await sizeFor({ WORKERS: '2' })).toBe(2)
  await expect(sizeFor({ WORKERS: '6' })).rejects.toThrow('lets this login have 20')
})

test('a size that is given holds, unless it exceeds that limit', async () => {
  expect(await sizeFor({ WORKERS: '2', DATABASE_POOL_SIZE: '7' })).toBe(7)
  await expect(sizeFor({ WORKERS: '2', DATABASE_POOL_SIZE: '8' })).rejects.toThrow(/2 workers with 8 each.* are 22/)
})

test('without a limit of its own the login has what the server allows and does not reserve', async () => {
  const { rows } = await owner.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('max_connections', 'superuser_reserved_connections')
     or name = 'reserved_connections'`,
  )
  const limits = Object.fromEntries(rows.map(({ name, setting }) => [name, Number(setting)]))
  const {
    max_connections: most = 0,
    superuser_reserved_connections: forStaff = 0,
    reserved_connections: forOthers = 0,
  } = limits
  const available = most - forStaff - forOthers
  await owner.query(`alter role ${login} connection limit -1`)
  const workers = Math.floor(available / 4)
  expect(await sizeFor({ WORKERS: String(workers) })).toBe(1)
  await expect(sizeFor({ WORKERS: String(workers + 1) })).rejects.toThrow(`lets this login have ${available}`)
})

test.each([
  [3, {}],
  [4, { JWT_SECRET: '', SIGNING_KEYS_ENCRYPTION_KEY: randomBytes(32).toString('base64url') }],
])('a server listens on %i connections, as the rule counts them', async (expected, settings) => {
  const server = await startServer({ settings })
  const { rows } = await owner.query(
    `select 1 from pg_stat_activity where datname = $1 and application_name = 'tenantry listener'`,
    [new URL(server.databaseUrl ?? '').pathname.slice(1)],
  )
  expect(listenersOf(server.app.services.config)).toBe(expected)
  expect(rows).toHaveLength(expected)
  await server.close()
})
