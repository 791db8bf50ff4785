import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { EntityManager } from '@mikro-orm/sql'
import { afterCommit } from '../../src/database/tenancy.ts'
import { openRows } from '../../src/database/rows.ts'
import { TimeLimit } from '../../src/deadline.ts'
import { givenDatabase, givenTenant, type Tenant, type TestDatabase } from './given-database.ts'

let db: TestDatabase
let tenant: Tenant
beforeAll(async () => {
  db = await givenDatabase({ DATABASE_POOL_SIZE: '4' })
  // Found after 100 ms instead of a second.
  await db.asOwner(
    `do $$ begin execute format('alter database %I set deadlock_timeout = 100', current_database()); end $$`,
  )
})
afterAll(() => db?.close())
beforeEach(async () => {
  tenant = await givenTenant(db, 'Some')
})

const rename = (em: EntityManager, id: string, name: string) =>
  em.execute('update projects set name = name || ? where id = ?', [name, id])
const names = async () =>
  (await db.asOwner('select name from projects where organization_id = $1', [tenant.organizationId])).map(({ name }) =>
    (name as string).replace(/^project of Some [\da-f]+/, ''),
  )
/** Resolves for both once both have come. */
function meeting(): () => Promise<void> {
  let arrived = 0
  let meet: () => void = () => {}
  const met = new Promise<void>((resolve) => (meet = resolve))
  return () => {
    arrived += 1
    if (arrived === 2) meet()
    return met
  }
}

test('of two changes that lock each other out both are made, each once', async () => {
  const met = meeting()
  const runs: string[] = []
  const committed: string[] = []
  const change = (name: string, first: string, second: string) => {
    const rows = openRows(db.database, tenant.organizationId)
    return rows.write('tenant', async (em) => {
      runs.push(name)
      afterCommit(em, () => void committed.push(name))
      await rename(em, first, name)
      await met()
      await rename(em, second, name)
      return name
    })
  }
  const { projectId: one, otherProjectId: other } = tenant
  expect(await Promise.all([change('x', one, other), change('y', other, one)])).toEqual(['x', 'y'])
  expect(runs).toHaveLength(3)
  expect(committed.sort()).toEqual(['x', 'y'])
  for (const name of await names()) expect(name).toMatch(/^(xy|yx)$/)
})

const failing = (code: string) => `do $$ begin raise exception 'made by the test' using errcode = '${code}'; end $$`

test.each(['40001', '40P01'])('work that goes on failing with %s is given up, with nothing changed', async (code) => {
  const rows = openRows(db.database, tenant.organizationId)
  let runs = 0
  const work = async (em: EntityManager) => {
    runs += 1
    await rename(em, tenant.projectId, 'x')
    await em.execute(failing(code))
  }
  await expect(rows.write('tenant', work)).rejects.toMatchObject({ code })
  expect(runs).toBe(4)
  expect(await names()).toEqual(['', ''])
})

test.each(['53100', '57014', '23514', '08006'])('work that fails with %s is not repeated', async (code) => {
  const rows = openRows(db.database, tenant.organizationId)
  let runs = 0
  const work = async (em: EntityManager) => {
    runs += 1
    await em.execute(failing(code))
  }
  await expect(rows.write('tenant', work)).rejects.toMatchObject({ code })
  expect(runs).toBe(1)
})

test('nothing is repeated for a caller who has been answered', async () => {
  const answered = new TimeLimit()
  const rows = openRows(db.database, tenant.organizationId, answered)
  let runs = 0
  const work = async (em: EntityManager) => {
    runs += 1
    answered.abort()
    await em.execute(failing('40001'))
  }
  await expect(rows.write('tenant', work)).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(runs).toBe(1)
})
