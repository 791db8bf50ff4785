import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { EntityManager } from '@mikro-orm/sql'
import type { Pool } from 'pg'
import { openDatabase } from '../../src/database/database.ts'
import { STAND_IN_TENANT } from '../../src/database/compiled-statement.ts'
import { openRows, type Rows } from '../../src/database/rows.ts'
import type { Shape } from '../../src/database/shape.ts'
import { TimeLimit } from '../../src/deadline.ts'
import { createLogger } from '../../src/http/log.ts'
import { Project } from '../../src/modules/project/project.entity.ts'
import { givenTcpProxy } from '../hard/tcp-proxy.ts'
import {
  allEntities,
  databaseConfig,
  givenDatabase,
  givenTenant,
  type Tenant,
  type TestDatabase,
} from './given-database.ts'

let db: TestDatabase
let tenant: Tenant
beforeAll(async () => {
  db = await givenDatabase({ DATABASE_POOL_SIZE: '2' })
  tenant = await givenTenant(db, 'Some')
})
afterAll(() => db?.close())

/** A question that takes as long as it is told to, in seconds, and tells which connection was asked. */
const sleeping = (seconds: number): Shape => ({
  key: 'sleeping',
  entity: Project,
  values: [String(seconds)],
  compile: async (_, [duration]) => ({
    sql: 'select pg_sleep(?::float)::text as slept, pg_backend_pid() as pid where ?::text is not null',
    params: [duration, STAND_IN_TENANT],
  }),
})
const rowsUntil = (limit?: TimeLimit): Rows => openRows(db.database, tenant.organizationId, limit)

/** How many statements of the server under test are running that sleep. */
async function running(): Promise<number> {
  const [row] = await db.asOwner(
    `select count(*)::int as number from pg_stat_activity where datname = current_database()
     and application_name = 'tenantry' and state = 'active' and query like '%pg_sleep%'`,
  )
  return row?.number as number
}
async function untilRunning(number: number, withinMs = 5_000): Promise<void> {
  const start = performance.now()
  while ((await running()) !== number) {
    expect(performance.now() - start).toBeLessThan(withinMs)
    await sleep(10)
  }
}
/** The connections of the pool, by their processes, after they have all been asked at once. */
async function pool(): Promise<Set<unknown>> {
  const all = [rowsUntil(), rowsUntil()]
  const answers = await Promise.all(all.map((rows) => rows.select('tenant', sleeping(0.05))))
  await Promise.all(all.map((rows) => rows.close()))
  return new Set(answers.flat().map((row) => (row as { pid: unknown }).pid))
}

const works: [string, (rows: Rows) => Promise<unknown>][] = [
  ['a read', (rows) => rows.select('tenant', sleeping(30))],
  ['a read that was to be the only one', (rows) => (rows.expectReads(1), rows.select('tenant', sleeping(30)))],
  ['a read through the ORM', (rows) => rows.read('tenant', (em) => em.execute('select pg_sleep(30)'))],
  ['a change', (rows) => rows.write('tenant', (em) => em.execute('select pg_sleep(30)'))],
]

describe('when the deadline of an operation passes', () => {
  test.each(works)('what PostgreSQL runs for it is gone within a second: %s', async (_, work) => {
    const before = await pool()
    const limit = new TimeLimit()
    const rows = rowsUntil(limit)
    const outcome = expect(work(rows)).rejects.toMatchObject({ code: 'TIMEOUT' })
    await untilRunning(1)
    limit.abort()
    await untilRunning(0, 1_000)
    await outcome
    await rows.close()
    expect(await pool()).toEqual(before)
  })

  test('what others run goes on', async () => {
    const limit = new TimeLimit()
    const [mine, other] = [rowsUntil(limit), rowsUntil()]
    const outcome = expect(mine.select('tenant', sleeping(30))).rejects.toMatchObject({ code: 'TIMEOUT' })
    const untouched = other.select('tenant', sleeping(2))
    await untilRunning(2)
    limit.abort()
    await outcome
    expect(await running()).toBe(1)
    expect(await untouched).toMatchObject([{ slept: '' }])
    await Promise.all([mine.close(), other.close()])
  })

  test('nothing of what it has changed stays', async () => {
    const limit = new TimeLimit()
    const rows = rowsUntil(limit)
    const change = rows.write('tenant', async (em: EntityManager) => {
      await em.nativeUpdate(Project, {}, { name: 'cancelled' })
      await em.execute('select pg_sleep(30)')
    })
    const outcome = expect(change).rejects.toMatchObject({ code: 'TIMEOUT' })
    await untilRunning(1)
    limit.abort()
    await outcome
    await rows.close()
    expect(await rowsUntil().write('tenant', (em) => em.count(Project, { name: 'cancelled' }))).toBe(0)
  })

  test('each further statement of work that goes on is cancelled too', async () => {
    const limit = new TimeLimit()
    const rows = rowsUntil(limit)
    const stubborn = rows.write('tenant', async (em: EntityManager) => {
      for (let time = 0; time < 3; time += 1) {
        await em.execute('savepoint here')
        await em.execute('select pg_sleep(30)').catch(() => em.execute('rollback to savepoint here'))
      }
    })
    const outcome = expect(stubborn).rejects.toMatchObject({ code: 'TIMEOUT' })
    await untilRunning(1)
    const start = performance.now()
    limit.abort()
    await outcome
    expect(performance.now() - start).toBeLessThan(3_000)
    await rows.close()
    expect((await pool()).size).toBe(2)
  })

  test('while it reads nothing, its next read fails, and takes no connection', async () => {
    const limit = new TimeLimit()
    const rows = rowsUntil(limit)
    await rows.select('tenant', sleeping(0))
    limit.abort()
    db.statements.length = 0
    await expect(rows.select('tenant', sleeping(0))).rejects.toMatchObject({ code: 'TIMEOUT' })
    await expect(rows.read('tenant', async () => 'read')).rejects.toMatchObject({ code: 'TIMEOUT' })
    await expect(rows.write('tenant', async () => 'written')).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(db.statements).toEqual(['rollback'])
    await rows.close()
    expect((await pool()).size).toBe(2)
  })
})

test('no operation is cancelled in the place of one that had its connection before', async () => {
  const one = await givenDatabase({ DATABASE_POOL_SIZE: '1' })
  const { organizationId } = await givenTenant(one, 'Some')
  const seen = { cancelled: 0, served: 0 }
  // As many are cancelled as end by themselves, however late a busy machine is to cancel.
  let statementMs = 4
  for (let round = 0; round < 150 || Math.min(seen.cancelled, seen.served) <= 10; round += 1) {
    const limit = new TimeLimit()
    const late = openRows(one.database, organizationId, limit)
    const next = openRows(one.database, organizationId)
    // Some end by themselves at the very moment at which they are cancelled.
    const ending = late.select('tenant', sleeping(statementMs / 1_000)).then(
      () => (seen.served += 1),
      () => (seen.cancelled += 1),
    )
    const after = ending.then(() => late.close()).then(() => next.select('tenant', sleeping(0.004)))
    await sleep(Math.random() * 8)
    limit.abort()
    statementMs *= seen.served > seen.cancelled ? 1.05 : 0.95
    expect(await after).toMatchObject([{ slept: '' }])
    await next.close()
  }
  await one.close()
  expect(Math.min(seen.cancelled, seen.served)).toBeGreaterThan(10)
}, 60_000)

test('where PostgreSQL cannot be asked to cancel, the connection is given up, and the pool is whole', async () => {
  const url = new URL(db.url ?? '')
  const proxy = await givenTcpProxy(Number(url.port))
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  const config = databaseConfig(url.href, { DATABASE_POOL_SIZE: '1', MIGRATE_ON_START: 'false' })
  const database = await openDatabase(config, await allEntities(), createLogger('silent'))
  const limit = new TimeLimit()
  const rows = openRows(database, tenant.organizationId, limit)
  const outcome = expect(rows.select('tenant', sleeping(3))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await untilRunning(1)
  proxy.leadTo(1)
  const start = performance.now()
  limit.abort()
  await outcome
  expect(performance.now() - start).toBeLessThan(2_500)
  await rows.close()
  proxy.leadTo(Number(new URL(db.url ?? '').port))
  const again = openRows(database, tenant.organizationId)
  expect(await again.select('tenant', sleeping(0))).toHaveLength(1)
  await again.close()
  await database.close()
  await proxy.close()
  await untilRunning(0)
})

/** Has the server take a second before the first statement that matches, on whichever connection of the pool. */
async function slowOnce(database: TestDatabase['database'], pattern: RegExp): Promise<void> {
  const pool = (await (
    database.orm.em.getConnection() as unknown as { getNativeClient(): unknown }
  ).getNativeClient()) as Pool
  let isDone = false
  pool.on('acquire', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((text: unknown, ...rest: unknown[]) => {
      const isSlow = !isDone && typeof text === 'string' && pattern.test(text)
      isDone ||= isSlow
      return query(isSlow ? `select pg_sleep(1); ${text}` : text, ...rest)
    }) as typeof client.query
  })
}

test.each([
  ['begins', /^begin/],
  ['is told its role', /^set local role/],
])('a deadline that passes while a transaction %s cancels nothing of others afterwards', async (_, pattern) => {
  const one = await givenDatabase({ DATABASE_POOL_SIZE: '1' })
  const { organizationId } = await givenTenant(one, 'Some')
  await slowOnce(one.database, pattern)
  const limit = new TimeLimit()
  const late = openRows(one.database, organizationId, limit)
  const outcome = expect(late.write('authentication', async () => 'written')).rejects.toMatchObject({ code: 'TIMEOUT' })
  await sleep(300)
  limit.abort()
  await outcome
  await late.close()
  for (let time = 0; time < 3; time += 1) {
    const other = openRows(one.database, organizationId)
    expect(await other.write('tenant', (em) => em.execute('select pg_sleep(0.4)::text as slept'))).toEqual([
      { slept: '' },
    ])
    await other.close()
  }
  await one.close()
})

test('a change whose time is up before it gets a connection is not begun', async () => {
  const one = await givenDatabase({ DATABASE_POOL_SIZE: '1' })
  const { organizationId } = await givenTenant(one, 'Some')
  const holder = openRows(one.database, organizationId)
  const held = holder.write('tenant', (em) => em.execute('select pg_sleep(1)'))
  await sleep(100)
  const limit = new TimeLimit()
  const late = openRows(one.database, organizationId, limit)
  let isBegun = false
  const outcome = expect(late.write('tenant', async () => (isBegun = true))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await sleep(100)
  limit.abort()
  await outcome
  await held
  expect(isBegun).toBe(false)
  await Promise.all([holder.close(), late.close()])
  await one.close()
})
