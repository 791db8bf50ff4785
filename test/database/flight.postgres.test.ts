import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals'
import pg, { Client, type Connection, type Pool, type PoolClient } from 'pg'
import { STAND_IN_TENANT } from '../../src/database/compiled-statement.ts'
import { fly as flyAll, type Sent } from '../../src/database/flight.ts'
import { roles } from '../../src/database/roles.ts'
import { openRows } from '../../src/database/rows.ts'
import type { Shape } from '../../src/database/shape.ts'
import { Project } from '../../src/modules/project/project.entity.ts'
import { createDatabase } from '../harness.ts'
import { givenDatabase, givenTenant, type TestDatabase } from './given-database.ts'

let database: Awaited<ReturnType<typeof createDatabase>>
let pool: Pool
let client: PoolClient
let made = 0

const sent = (text: string, values: readonly unknown[] = [], name = `statement ${(made += 1)}`): Sent => ({
  name,
  text,
  values,
})
/** What the last of them has told. */
const fly = async (over: PoolClient, statements: readonly Sent[]) => (await flyAll(over, statements)).at(-1)
const begin = sent('begin')
const rollback = sent('rollback')
const prepared = async () => {
  const { rows } = await client.query<{ name: string }>('select name from pg_prepared_statements')
  return rows.map(({ name }) => name)
}

beforeAll(async () => {
  database = await createDatabase()
  const owner = new Client({ connectionString: database.url })
  await owner.connect()
  await owner.query('create table notes (text text not null)')
  await owner.end()
})
afterAll(() => database.drop())
beforeEach(async () => {
  pool = new pg.Pool({ connectionString: database.url, max: 1 })
  client = await pool.connect()
})
afterEach(async () => {
  client.release(true)
  await pool.end()
})

describe('what is sent', () => {
  test('travels at once, and the rows of each statement come back', async () => {
    const tenant = sent(`select set_config('app.tenant', $1, true)`, ['one'])
    const asked = sent(`select current_setting('app.tenant') as tenant, $1::int as number`, ['7'])
    const told = [{ tenant: 'one', number: 7 }]
    expect(await flyAll(client, [begin, tenant, asked])).toEqual([[], [{ set_config: 'one' }], told])
    expect(await flyAll(client, [asked, sent('select 1 where false'), rollback])).toEqual([told, [], []])
  })

  test('is one write and one Sync, however many statements it is', async () => {
    const { connection } = client as unknown as { connection: Connection & { sync(): void } }
    const [sync, syncs] = [connection.sync.bind(connection), [] as string[]]
    connection.sync = () => {
      syncs.push('sync')
      sync()
    }
    await fly(client, [begin, sent('select 1'), sent('select 2'), rollback])
    expect(syncs).toHaveLength(1)
  })

  test('is parsed once on a connection, and its columns are known again', async () => {
    const statement = sent('select $1::int as number, now() as at')
    const ask = (value: string) => fly(client, [{ ...statement, values: [value] }])
    const [first, second] = [await ask('1'), await ask('2')]
    expect([first, second]).toEqual([[{ number: 1, at: expect.any(Date) }], [{ number: 2, at: expect.any(Date) }]])
    expect(await prepared()).toEqual([statement.name])
  })

  test.each([
    ['text', `' or 1 = 1; drop table notes; --`, `' or 1 = 1; drop table notes; --`],
    [
      'text[]',
      ['a"b', 'c\\d', '{e,f}', 'null', '', ' g ', `'; --`],
      ['a"b', 'c\\d', '{e,f}', 'null', '', ' g ', `'; --`],
    ],
    ['text[]', [], []],
    ['timestamptz', new Date(1_234_567_890_123), new Date(1_234_567_890_123)],
    ['int', 5, 5],
    ['boolean', true, true],
    ['text', null, null],
    ['text', 'ünï – 字 🙂', 'ünï – 字 🙂'],
  ])('arrives as it is: a %s like %j', async (type, value, expected) => {
    expect(await fly(client, [sent(`select $1::${type} as value`, [value])])).toEqual([{ value: expected }])
  })
})

describe('after an error', () => {
  const broken = () => sent('select 1 / $1::int as number', ['0'])

  test('in the middle nothing that was sent with it is run, and the connection is usable', async () => {
    const write = sent(`insert into notes values ('late') returning text`)
    await expect(fly(client, [sent('select 1'), broken(), write])).rejects.toMatchObject({ code: '22012' })
    expect(await fly(client, [sent('select text from notes')])).toEqual([])
    expect(await fly(client, [sent('select 2 as number')])).toEqual([{ number: 2 }])
  })

  test('in a transaction, it refuses all but its end, and the next begins afresh', async () => {
    await expect(fly(client, [begin, broken()])).rejects.toMatchObject({ code: '22012' })
    await expect(fly(client, [sent('select 1')])).rejects.toMatchObject({ code: '25P02' })
    await fly(client, [rollback])
    expect(await fly(client, [begin, sent('select 3 as number')])).toEqual([{ number: 3 }])
    await fly(client, [rollback])
  })

  test('of its first run a statement is prepared again, as are those that came after it', async () => {
    const [bad, after] = [broken(), sent('select 4 as number')]
    await expect(fly(client, [bad, after])).rejects.toMatchObject({ code: '22012' })
    expect(await fly(client, [{ ...bad, values: ['1'] }])).toEqual([{ number: 1 }])
    expect(await fly(client, [after])).toEqual([{ number: 4 }])
  })

  test('a statement that has run before stays prepared', async () => {
    const statement = broken()
    expect(await fly(client, [{ ...statement, values: ['1'] }])).toEqual([{ number: 1 }])
    await expect(fly(client, [statement])).rejects.toMatchObject({ code: '22012' })
    expect(await fly(client, [{ ...statement, values: ['1'] }])).toEqual([{ number: 1 }])
  })

  test('in the text of a statement the others of its flight are prepared again', async () => {
    const good = sent('select 5 as number')
    await expect(fly(client, [good, sent('selec')])).rejects.toMatchObject({ code: '42601' })
    expect(await fly(client, [good])).toEqual([{ number: 5 }])
  })

  test('of a value that has no text, nothing hangs and the connection is usable', async () => {
    await expect(fly(client, [sent('select $1::text', [{}])])).rejects.toThrow('has no text')
    expect(await fly(client, [sent('select 6 as number')])).toEqual([{ number: 6 }])
  })
})

test('more statements than a connection keeps are closed, those of longest ago first, and prepared again', async () => {
  const all = Array.from({ length: 230 }, (_, at) => sent(`select ${at} as number`))
  const [first, second] = all as [Sent, Sent]
  for (const [at, statement] of all.entries()) {
    expect(await fly(client, [statement])).toEqual([{ number: at }])
    // In use all the time: it is kept.
    expect(await fly(client, [first])).toEqual([{ number: 0 }])
  }
  const names = await prepared()
  expect(names).toHaveLength(200)
  expect(names).toContain(first.name)
  expect(names).not.toContain(second.name)
  expect(await fly(client, [second])).toEqual([{ number: 1 }])
  expect(await prepared()).toHaveLength(200)
})

test('what a flight uses itself is not closed for what it prepares', async () => {
  const oldest = sent('select 0 as number')
  await fly(client, [oldest])
  for (let others = 1; others < 200; others += 1) await fly(client, [sent(`select ${others} as number`)])
  await fly(client, [oldest, sent('select 200 as number')])
  expect(await prepared()).toContain(oldest.name)
  expect(await fly(client, [oldest])).toEqual([{ number: 0 }])
})

describe('on the pool of a server', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await givenDatabase({ DATABASE_POOL_SIZE: '1' })
  })
  afterAll(() => db?.close())

  /** A question about a tenant's projects, which takes as long as it is told to. */
  const asking = (seconds: number): Shape => ({
    key: `slow ${seconds}`,
    entity: Project,
    values: [String(seconds)],
    compile: async (_, [duration]) => ({
      sql: `select pg_sleep(?::float)::text as slept, current_setting('mikro.tenant.organizationId') = ?::text as is_named`,
      params: [duration, STAND_IN_TENANT],
    }),
  })

  test('begin, tenant and statement are one flight', async () => {
    const { organizationId } = await givenTenant(db, 'Some')
    const rows = openRows(db.database, organizationId)
    db.statements.length = 0
    expect(await rows.select('tenant', asking(0))).toEqual([{ slept: '', is_named: true }])
    expect(db.statements).toEqual([
      'begin isolation level repeatable read read only',
      expect.stringContaining('set_config'),
      expect.stringContaining('pg_sleep'),
    ])
    await rows.close()
  })

  /** What a statement finds of its transaction. */
  const looking: Shape = {
    key: 'what it finds',
    entity: Project,
    values: [],
    compile: async () => ({
      sql: `select current_setting('mikro.tenant.organizationId', true) = ?::text as is_named, current_user as role,
        current_setting('transaction_read_only') as read_only, pg_current_xact_id_if_assigned() as written`,
      params: [STAND_IN_TENANT],
    }),
  }
  const writing: Shape = {
    key: 'a change',
    entity: Project,
    values: [],
    compile: async () => ({
      sql: `update projects set name = 'changed' where organization_id = ?::uuid returning name`,
      params: [STAND_IN_TENANT],
    }),
  }
  const failing: Shape = {
    key: 'a failure',
    entity: Project,
    values: [],
    compile: async () => ({ sql: 'select ?::text, 1 / (random() * 0)::int', params: [STAND_IN_TENANT] }),
  }
  /** What the one connection of the pool has when nobody uses it. */
  const left = `select coalesce(current_setting('mikro.tenant.organizationId', true), '') as tenant,
    current_setting('transaction_read_only') as read_only, current_user as role`

  describe('a statement that is the only one travels without begin and end', () => {
    let organizationId: string
    const once = async (shape: Shape) => {
      const rows = openRows(db.database, organizationId)
      rows.expectReads(1)
      try {
        return await rows.select('tenant', shape)
      } finally {
        await rows.close()
      }
    }
    const nothingIsLeft = async () =>
      expect(await db.database.orm.em.fork().getConnection().execute(left)).toEqual([
        { tenant: '', read_only: 'off', role: roles.server },
      ])
    beforeAll(async () => {
      organizationId = (await givenTenant(db, 'Once')).organizationId
    })

    test('and reads as the tenant, under the role that every read has, in a read-only transaction', async () => {
      const within = openRows(db.database, organizationId)
      const [usual] = await within.select('tenant', looking)
      await within.close()
      db.statements.length = 0
      expect(await once(looking)).toEqual([usual])
      expect(usual).toMatchObject({ is_named: true, read_only: 'on', written: null })
      expect(db.statements).toEqual([expect.stringContaining('set_config'), expect.stringContaining('read_only')])
    })

    test('and leaves nothing on its connection', async () => {
      for (let time = 0; time < 3; time += 1) {
        await once(looking)
        await nothingIsLeft()
      }
    })

    test('nor where it fails', async () => {
      await expect(once(failing)).rejects.toThrow(/division by zero/)
      await nothingIsLeft()
      expect(await once(looking)).toMatchObject([{ is_named: true }])
    })

    test('and cannot change anything', async () => {
      await expect(once(writing)).rejects.toThrow(/read-only transaction/)
      await nothingIsLeft()
    })

    test('and is not run where the tenant cannot be named', async () => {
      const broken = openRows(db.database, '\0')
      broken.expectReads(1)
      await expect(broken.select('tenant', looking)).rejects.toThrow()
      await broken.close()
      await nothingIsLeft()
    })
  })

  test('a connection that is cut in mid-flight rejects what was sent, and its place in the pool is free again', async () => {
    const { organizationId } = await givenTenant(db, 'Some')
    const rows = openRows(db.database, organizationId)
    for (let time = 0; time < 3; time += 1) {
      const refused = expect(rows.select('tenant', asking(30))).rejects.toThrow(/terminat/)
      const cut = `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like '%pg_sleep(%' and pid <> pg_backend_pid() and state = 'active'`
      while ((await db.asOwner(cut)).length === 0) await sleep(20)
      await refused
      expect(await rows.select('tenant', asking(0))).toEqual([{ slept: '', is_named: true }])
    }
    await rows.close()
    const another = openRows(db.database, organizationId)
    expect(await another.select('tenant', asking(0))).toEqual([{ slept: '', is_named: true }])
    await another.close()
  })
})
