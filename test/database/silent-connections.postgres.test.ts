import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { databaseFailure } from '../../src/database/failures.ts'
import { migratePostgres } from '../../src/database/migrate.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { createLogger } from '../../src/http/log.ts'
import { createDatabase, POSTGRES_URL } from '../harness.ts'
import { givenTcpProxy, type TcpProxy } from '../hard/tcp-proxy.ts'
import { allEntities, databaseConfig, ownerOf } from './given-database.ts'

const log = createLogger('silent')
const NOBODY = '018f0000-0000-7000-8000-000000000000'
let direct: { url: string; drop: () => Promise<void> }
let proxy: TcpProxy
let database: Database
let owner: Awaited<ReturnType<typeof ownerOf>>

beforeAll(async () => {
  direct = await createDatabase()
  const port = Number(new URL(POSTGRES_URL ?? '').port || 5432)
  proxy = await givenTcpProxy(port)
  const url = new URL(direct.url)
  url.host = `127.0.0.1:${proxy.port}`
  const entities = await allEntities()
  const config = databaseConfig(url.href, { DATABASE_POOL_SIZE: '1', MIGRATE_ON_START: 'false' })
  await migratePostgres(databaseConfig(direct.url), entities, log)
  database = await openDatabase(config, entities, log)
  owner = await ownerOf(database, direct.url)
})
afterAll(async () => {
  await owner?.end()
  await database?.close()
  await proxy?.close()
  await direct?.drop()
})
beforeEach(() => proxy.mend())

const run = (sql: string, before?: () => unknown) =>
  inTransaction(database, { door: 'tenant', organizationId: NOBODY, readOnly: false }, async (em) => {
    await em.execute('select 1')
    await before?.()
    return em.execute(sql)
  })
const backends = (condition: string) =>
  owner.run(`select pid from pg_stat_activity where datname = current_database()
    and application_name = 'tenantry' and ${condition}`)

test('a statement that is lost fails within seconds, and its place in the pool and its locks are free again', async () => {
  const since = performance.now()
  const lost = run('select 2', () => proxy.swallow())
  await expect(lost).rejects.toThrow()
  await expect(lost.catch((error: unknown) => databaseFailure(error)?.code)).resolves.toBe('UNAVAILABLE')
  expect(performance.now() - since).toBeLessThan(8_000)
  await proxy.mend()
  expect(await run('select 3 as three')).toEqual([{ three: 3 }])
  // The server has heard of nothing; what it holds for the lost connection is ended as soon as it can be told.
  const end = performance.now() + 8_000
  while ((await backends(`state = 'idle in transaction'`)).length > 0) {
    expect(performance.now()).toBeLessThan(end)
    await sleep(100)
  }
})

test('a new connection on which nothing is heard is given up within seconds', async () => {
  await owner.run(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tenantry'
    and datname = current_database()`)
  await sleep(200)
  proxy.swallow()
  const since = performance.now()
  await expect(run('select 1')).rejects.toThrow('The database has fallen silent')
  expect(performance.now() - since).toBeLessThan(6_000)
})

test('a statement that the server is working on has its time', async () => {
  expect(await run('select pg_sleep(5)::text as slept')).toEqual([{ slept: '' }])
}, 30_000)

test('a transaction in which nothing is asked for is left alone', async () => {
  expect(await run('select 4 as four', () => sleep(3_000))).toEqual([{ four: 4 }])
})

test('once the database is closed the server is asked nothing any more, whatever was still to be ended', async () => {
  const lost = expect(run('select 2', () => proxy.swallow())).rejects.toThrow()
  await lost
  await database.close()
  // What was asked before the end has its time.
  await sleep(2_500)
  const before = proxy.taken()
  await sleep(3_000)
  expect(proxy.taken()).toBe(before)
}, 30_000)
