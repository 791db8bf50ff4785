import { randomUUID } from 'node:crypto'
import type { SqlEntityManager } from '@mikro-orm/sql'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { afterCommit, inTransaction, tenantOf, type Door } from '../../src/database/tenancy.ts'
import { openRows, type Rows } from '../../src/database/rows.ts'
import { selectRows } from '../../src/database/select.ts'
import { TimeLimit } from '../../src/deadline.ts'
import { POSTGRES_URL } from '../harness.ts'
import { Project } from '../../src/modules/project/project.entity.ts'
import { givenDatabase, givenTenant, tenantTables, type Tenant, type TestDatabase } from './given-database.ts'

let db: TestDatabase
let own: Tenant
let other: Tenant

beforeAll(async () => {
  // One connection: whatever would need a second one does not finish.
  db = await givenDatabase({ DATABASE_POOL_SIZE: '1', DATABASE_STATEMENT_TIMEOUT_MS: '5000' })
  own = await givenTenant(db, 'Own')
  other = await givenTenant(db, 'Other')
})
afterAll(() => db?.close())

const rows = (organizationId: string | null = own.organizationId) => openRows(db.database, organizationId)
const setting = `current_setting('mikro.tenant.organizationId', true)`

test.each([
  ['an operator object', { $ne: null }],
  ['an operator object with a UUID', { $ne: randomUUID() }],
  ['an array', [randomUUID()]],
  ['undefined', undefined],
  ['a number', 1],
  ['an empty text', ''],
  ['a text that is no UUID', 'acme'],
  ['a UUID with something behind it', `${randomUUID()}' or true`],
  ['a String object', Object(randomUUID())],
  ['the nil UUID', '00000000-0000-0000-0000-000000000000'],
])('%s is no tenant, and is refused before it reaches the filter', async (_, value) => {
  expect(() => tenantOf(value)).toThrow('A tenant must be named by the UUID of its organization')
  await expect(openRows(db.database, value as string).read('tenant', (em) => em.find(Project, {}))).rejects.toThrow(
    'A tenant must be named',
  )
})

test('no organization is FORBIDDEN, for a caller whose credential names none', async () => {
  await expect(rows(null).read('tenant', async () => 'read')).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(rows(null).write('tenant', async () => 'written')).rejects.toMatchObject({
    message: 'The credential names no organization',
    extensions: { code: 'FORBIDDEN', reason: 'NO_ORGANIZATION' },
  })
})

test('a UUID is a tenant, in either spelling of the letters', () => {
  expect(tenantOf(own.organizationId)).toBe(own.organizationId)
  expect(tenantOf(own.organizationId.toUpperCase())).toBe(own.organizationId.toUpperCase())
})

test('without a tenant the filter throws', async () => {
  const em = db.database.orm.em.fork()
  await expect(em.find(Project, {})).rejects.toThrow(/tenant/)
  await expect(em.count(Project, {})).rejects.toThrow(/tenant/)
  await expect(em.findOne(Project, { id: own.projectId })).rejects.toThrow(/tenant/)
})

test('without a tenant every table of a tenant answers raw SQL with an error, before and after a transaction', async () => {
  const tables = ['organizations', 'users', ...(await tenantTables(db))]
  const refused = async () => {
    for (const table of tables) {
      const reading = db.database.orm.em.getConnection().execute(`select * from "${table}"`)
      await expect(reading.then((found: unknown) => [table, found])).rejects.toThrow(
        /unrecognized configuration parameter|invalid input syntax for type uuid|permission denied/,
      )
    }
  }
  await refused()
  await rows().write('tenant', (em) => em.find(Project, {}))
  await refused()
})

test('the tenant lives as long as its transaction: the connection that goes back to the pool knows none', async () => {
  const inside = await rows().write('tenant', (em) => em.execute<unknown[]>(`select ${setting} as tenant`))
  expect(inside).toEqual([{ tenant: own.organizationId }])
  await rows()
    .write('tenant', async () => Promise.reject(new Error('failed')))
    .catch(() => {})
  const reading = rows()
  await reading.read('tenant', (em) => em.find(Project, {}))
  await reading.close()
  const [after] = await db.database.orm.em
    .getConnection()
    .execute<{ tenant: string | null; role: string }[]>(
      `select nullif(${setting}, '') as tenant, current_user::text as role`,
    )
  expect(after).toEqual({ tenant: null, role: 'tenantry_server' })
})

test('each door runs as its own role', async () => {
  const roleOf = (door: Door) => rows().write(door, (em) => em.execute('select current_user::text as role'))
  expect(await roleOf('tenant')).toEqual([{ role: 'tenantry_server' }])
  expect(await roleOf('authentication')).toEqual([{ role: 'tenantry_authentication' }])
  expect(await roleOf('operator')).toEqual([{ role: 'tenantry_operator' }])
  expect(await roleOf('jobs')).toEqual([{ role: 'tenantry_jobs' }])
})

test.each(['authentication', 'operator', 'jobs'] as const)('across tenants, %s is of none', async (door) => {
  const [found] = await rows().write(door, (em) => em.execute(`select ${setting} as tenant`))
  expect(found).toEqual({ tenant: '00000000-0000-0000-0000-000000000000' })
})

test('doors that are used at once share one connection, and all of them finish', async () => {
  const operation = rows()
  const doors: Door[] = ['tenant', 'authentication', 'operator', 'tenant', 'authentication']
  const reads = doors.map((door) => operation.read(door, (em) => em.execute('select current_user::text as role')))
  const write = operation.write('tenant', (em) =>
    em.insert(Project, { id: randomUUID(), organizationId: own.organizationId, name: 'written at once' }),
  )
  const last = operation.read('tenant', (em) => em.count(Project, { name: 'written at once' }))
  expect((await Promise.all(reads)).flat().map((row) => (row as { role: string }).role)).toEqual(
    doors.map((door) => (door === 'tenant' ? 'tenantry_server' : `tenantry_${door}`)),
  )
  await write
  expect(await last).toBe(1)
  await operation.close()
})

test('many operations on a pool of one wait for each other', async () => {
  const operations = Array.from({ length: 8 }, (_, at) => rows(at % 2 ? own.organizationId : other.organizationId))
  const counted = operations.map(async (operation, at) => {
    const found = await operation.read('tenant', (em) => em.find(Project, { organizationId: { $ne: null } }))
    await operation.close()
    const expected = at % 2 ? own.organizationId : other.organizationId
    return found.every((project) => project.organizationId === expected) && found.length > 0
  })
  expect(await Promise.all(counted)).toEqual(Array(8).fill(true))
})

test.each(['read', 'write'] as const)(
  'a door opened inside a %s is refused at once, and not waited for',
  async (how) => {
    const operation = rows()
    const inner: ((nested: typeof operation) => Promise<unknown>)[] = [
      (nested) => nested.read('tenant', async () => 'inner'),
      (nested) => nested.write('authentication', async () => 'inner'),
      (nested) => nested.close(),
      () => rows().read('tenant', async () => 'inner'),
      () => inTransaction(db.database, { door: 'operator', organizationId: null, readOnly: true }, async () => 'inner'),
    ]
    for (const work of inner) {
      await expect(operation[how]('tenant', () => work(operation))).rejects.toThrow('opened inside the work of another')
    }
    expect(await operation.read('tenant', async () => 'goes on')).toBe('goes on')
    await operation.close()
  },
)

test('what is begun inside work and looked at after it may open a door', async () => {
  const operation = rows()
  let later: Promise<unknown> = Promise.resolve()
  await operation.read('tenant', async () => {
    later = new Promise((done) => setTimeout(done, 50)).then(() => operation.read('tenant', async () => 'later'))
  })
  expect(await later).toBe('later')
  await operation.close()
})

test('a read that fails leaves the operation usable', async () => {
  const operation = rows()
  await expect(operation.read('tenant', (em) => em.execute('select 1 / 0'))).rejects.toThrow(/zero/)
  expect(await operation.read('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
  await operation.close()
})

test('a write that fails leaves nothing behind, and runs no hook', async () => {
  const operation = rows()
  const told: string[] = []
  operation.onChange(() => told.push('changed'))
  const failing = operation.write('tenant', async (em) => {
    afterCommit(em, () => told.push('committed'))
    await em.insert(Project, { id: randomUUID(), organizationId: own.organizationId, name: 'rolled back' })
    throw new Error('after the insert')
  })
  await expect(failing).rejects.toThrow('after the insert')
  expect(told).toEqual(['changed'])
  expect(await operation.read('tenant', (em) => em.count(Project, { name: 'rolled back' }))).toBe(0)
  await operation.close()
})

test('the error of the work is told, also where its transaction is already gone', async () => {
  const operation = rows()
  const ending = operation.write('tenant', async (em) => {
    await em.rollback()
    throw new Error('after its own roll-back')
  })
  await expect(ending).rejects.toThrow('after its own roll-back')
  const reading = operation.read('tenant', (em) => em.execute('rollback'))
  await reading
  expect(await operation.write('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
})

test('hooks run in order when the transaction has committed', async () => {
  const told: string[] = []
  await rows().write('authentication', async (em) => {
    afterCommit(em, () => told.push('first'))
    afterCommit(em, () => told.push('second'))
  })
  expect(told).toEqual(['first', 'second'])
})

test('what is written through a read is not kept', async () => {
  const operation = rows()
  const name = 'written while reading'
  await operation
    .read('tenant', (em) => em.insert(Project, { id: randomUUID(), organizationId: own.organizationId, name }))
    .catch(() => {})
  expect(await operation.write('tenant', (em) => em.count(Project, { name }))).toBe(0)
})

test.each(['select', 'em'] as const)('a read (%s) is a transaction that only reads', async (way) => {
  const operation = rows()
  if (way === 'select') await projectsOf(operation)
  const change = (em: SqlEntityManager) => em.execute(`update projects set name = 'written by a read'`)
  await expect(operation.read('tenant', change)).rejects.toThrow(/read-only transaction/)
  await operation.close()
})

test('closed rows cannot be used, and closing twice is closing once', async () => {
  const operation = rows()
  await operation.read('tenant', (em) => em.find(Project, {}))
  await operation.close()
  await operation.close()
  await expect(operation.read('tenant', async () => 'read')).rejects.toThrow('The operation has ended')
  await expect(operation.write('tenant', async () => 'written')).rejects.toThrow('The operation has ended')
})

test('an operation that touches no rows opens no transaction, and all its reads share one', async () => {
  db.statements.length = 0
  await rows().close()
  expect(db.statements).toEqual([])
  const operation = rows()
  for (let read = 0; read < 3; read += 1) await operation.read('tenant', (em) => em.find(Project, {}))
  await operation.close()
  expect(db.statements.filter((statement) => /^(begin|start)/.test(statement))).toHaveLength(1)
})

test('a change whose caller has been told that it took too long is not committed', async () => {
  const timeout = new TimeLimit()
  const late = openRows(db.database, own.organizationId, timeout)
  const change = late.write('tenant', async (em) => {
    await em.nativeUpdate(Project, {}, { name: 'too late' })
    timeout.abort()
  })
  await expect(change).rejects.toMatchObject({ code: 'TIMEOUT' })
  await late.close()
  expect(await rows().write('tenant', (em) => em.count(Project, { name: 'too late' }))).toBe(0)
})

test('work outside every operation has a transaction of its own', async () => {
  const opening = { door: 'tenant' as const, organizationId: other.organizationId, readOnly: true }
  expect(await inTransaction(db.database, opening, (em) => em.count(Project, {}))).toBe(2)
})

test.each([
  // One connection sees one state in any case.
  [true, { reads: 'on', isolation: POSTGRES_URL ? 'repeatable read' : 'read committed' }, 'read'],
  [false, { reads: 'off', isolation: 'read committed' }, 'write'],
] as const)('a transaction that only reads (%s) is one, and is counted as one', async (readOnly, kind, counted) => {
  const watching = jest.spyOn(db.database.watch, 'transaction')
  const opening = { door: 'tenant' as const, organizationId: own.organizationId, readOnly }
  const asked = `select current_setting('transaction_read_only') as reads, current_setting('transaction_isolation') as isolation`
  expect(await inTransaction(db.database, opening, (em) => em.execute(asked))).toEqual([kind])
  expect(watching.mock.calls).toEqual([[counted, expect.any(Number)]])
  watching.mockRestore()
})

const projectsOf = (operation: Rows) =>
  selectRows((shape) => operation.select('tenant', shape), { entity: Project, where: { id: own.projectId } })

test('who reads once holds no connection afterwards, and may read again all the same', async () => {
  const operation = rows()
  operation.expectReads(1)
  expect(await projectsOf(operation)).toHaveLength(1)
  // The embedded database has one connection: this would wait for ever.
  expect(await rows().write('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
  expect(await projectsOf(operation)).toHaveLength(1)
  expect(await operation.read('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
  await operation.close()
})

test('who reads twice sees one state of the database, and holds no connection after the second time', async () => {
  const operation = rows()
  operation.expectReads(2)
  const [one, again] = [await projectsOf(operation), await projectsOf(operation)]
  expect(again).toEqual(one)
  expect(await rows().write('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
  expect(await projectsOf(operation)).toHaveLength(1)
  await operation.close()
})

test('who reads less often than was expected gives the connection back in the end', async () => {
  const operation = rows()
  operation.expectReads(2)
  expect(await projectsOf(operation)).toHaveLength(1)
  await operation.close()
  expect(await rows().write('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
})

test('a single read that fails gives its connection back too', async () => {
  const operation = rows()
  operation.expectReads(1)
  const where = { id: 'no id at all' }
  const failing = selectRows((shape) => operation.select('tenant', shape), { entity: Project, where })
  await expect(failing).rejects.toThrow(/uuid/)
  expect(await rows().write('tenant', (em) => em.count(Project, { id: own.projectId }))).toBe(1)
  expect(await projectsOf(operation)).toHaveLength(1)
  await operation.close()
})
