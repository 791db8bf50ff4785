import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openRows } from '../../src/database/rows.ts'
import { Project } from '../../src/modules/project/project.entity.ts'
import { givenDatabase, givenTenant, type Tenant, type TestDatabase } from './given-database.ts'

describe('on a server of its own', () => {
  let db: TestDatabase
  let tenant: Tenant

  beforeAll(async () => {
    db = await givenDatabase({ DATABASE_POOL_SIZE: '1', DATABASE_STATEMENT_TIMEOUT_MS: '3000' })
    tenant = await givenTenant(db, 'Some')
  })
  afterAll(() => db?.close())

  const count = () => db.through('tenant', tenant.organizationId, (em) => em.count(Project, {}))
  const endedBy = async (end: (pid: number) => Promise<unknown>) => {
    const attempt = db.through('tenant', tenant.organizationId, async (em) => {
      const [connection] = await em.execute<[{ pid: number }]>('select pg_backend_pid() as pid')
      await end(connection.pid)
      await new Promise((done) => setTimeout(done, 200))
      return em.count(Project, {})
    })
    await expect(attempt).rejects.toThrow()
  }

  test('a connection that is ended in the middle of a transaction is replaced in the pool', async () => {
    for (let time = 0; time < 3; time += 1) {
      await endedBy((pid) => db.asOwner('select pg_terminate_backend($1)', [pid]))
      expect(await count()).toBe(2)
    }
  })

  test('reads whose connection has been ended neither fail the write after them nor the end of the operation', async () => {
    const operation = openRows(db.database, tenant.organizationId)
    const [connection] = await operation.read('tenant', (em) =>
      em.execute<[{ pid: number }]>('select pg_backend_pid() as pid'),
    )
    await db.asOwner('select pg_terminate_backend($1)', [connection.pid])
    await new Promise((done) => setTimeout(done, 200))
    expect(await operation.write('tenant', (em) => em.count(Project, {}))).toBe(2)
    await operation.close()
  })

  test('a statement that runs too long ends with an error, and its connection serves on', async () => {
    const slow = db.through('tenant', tenant.organizationId, (em) => em.execute('select pg_sleep(10)'))
    await expect(slow).rejects.toThrow(/statement timeout/)
    expect(await count()).toBe(2)
  })

  test.each(['reset role', 'reset all', 'discard all', 'set session characteristics as transaction read only'])(
    'a connection on which somebody ran "%s" still serves as the role that owns nothing',
    async (statement) => {
      const connection = db.database.orm.em.getConnection()
      await connection.execute(statement)
      expect(await connection.execute('select current_user::text as role')).toEqual([{ role: 'tenantry_server' }])
      expect(await count()).toBe(2)
      await connection.execute('set session characteristics as transaction read write')
    },
  )

  test('a read cannot write', async () => {
    const operation = openRows(db.database, tenant.organizationId)
    const writing = operation.read('tenant', (em) => em.execute('update projects set name = name'))
    await expect(writing).rejects.toThrow(/read-only transaction/)
    await operation.close()
  })

  test('reads of one operation see one state of the database', async () => {
    const operation = openRows(db.database, tenant.organizationId)
    const before = await operation.read('tenant', (em) => em.count(Project, {}))
    await db.asOwner('insert into projects (id, organization_id, name) values (gen_random_uuid(), $1, $2)', [
      tenant.organizationId,
      'made meanwhile',
    ])
    expect(await operation.read('tenant', (em) => em.count(Project, {}))).toBe(before)
    expect(await operation.write('tenant', (em) => em.count(Project, {}))).toBe(before + 1)
    await operation.close()
  })
})
