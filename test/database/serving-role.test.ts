import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import type { Database } from '../../src/database/database.ts'
import { roles } from '../../src/database/roles.ts'
import { assertServingRole } from '../../src/database/serving-role.ts'
import { givenDatabase, pgliteOf, type TestDatabase } from './given-database.ts'

let db: TestDatabase

beforeAll(async () => {
  db = await givenDatabase()
})
afterAll(() => db?.close())

type Execute = (sql: string) => Promise<unknown>

/** Runs `work` as the owner in a transaction that is rolled back: roles belong to the whole cluster. */
async function tampering(work: (execute: Execute) => Promise<void>): Promise<void> {
  if (db.url) {
    const client = new Client({ connectionString: db.url })
    await client.connect()
    try {
      await client.query('begin')
      await work(async (sql) => (await client.query<object>(sql)).rows)
    } finally {
      await client.query('rollback')
      await client.end()
    }
    return
  }
  const pglite = await pgliteOf(db.database)
  await pglite.transaction(async (transaction) => {
    await transaction.exec('set local role postgres')
    await work(async (sql) => (await transaction.query(sql)).rows)
    await transaction.rollback()
  })
}

/** What the check at the start says of a database that has been tampered with. */
async function verdict(...statements: string[]): Promise<string> {
  let said = 'serves'
  await tampering(async (execute) => {
    for (const statement of statements) await execute(statement)
    if (!statements.some((statement) => statement.startsWith('set local role'))) {
      await execute(`set local role ${roles.server}`)
    }
    const orm = { em: { getConnection: () => ({ execute }) }, getMetadata: () => db.database.orm.getMetadata() }
    await assertServingRole(orm as unknown as Database['orm']).catch((error: unknown) => (said = String(error)))
  })
  return said
}

test('the server serves from a database as the migrations make it', async () => {
  expect(await verdict()).toBe('serves')
  await assertServingRole(db.database.orm)
})

test.each([
  ['a superuser', ['set local role postgres'], 'the connection runs as postgres'],
  ['another door', [`set local role ${roles.operator}`], `the connection runs as ${roles.operator}`],
  ['a role that has become a superuser', [`alter role ${roles.server} superuser`], 'is a superuser'],
  ['a role that bypasses row-level security', [`alter role ${roles.server} bypassrls`], 'bypasses row-level security'],
  ['a door whose role bypasses it', [`alter role ${roles.authentication} bypassrls`], 'bypasses row-level security'],
  ['a role that may make roles', [`alter role ${roles.operator} createrole`], 'may grant itself other roles'],
  ['a role that can become another', [`grant pg_read_all_data to ${roles.server}`], 'is a member of another role'],
  ['the owner of a table', [`alter table projects owner to ${roles.server}`], 'owns'],
  ['a door whose role owns one', [`alter table gateways owner to ${roles.authentication}`], 'owns'],
])('the server refuses to serve as %s', async (_, statements, reason) => {
  expect(await verdict(...statements)).toMatch(
    new RegExp(`^Error: The server does not serve with this database role: .*${reason}`),
  )
})

test.each([
  ['does not force row-level security', ['alter table projects no force row level security'], 'projects'],
  ['has it switched off', ['alter table gateways disable row level security'], 'gateways'],
  ['came without it', ['create table planted (id int)', `grant select on planted to ${roles.server}`], 'planted'],
  [
    'came without it, for one column and another door',
    ['create table planted (id int, hash text)', `grant update (hash) on planted to ${roles.operator}`],
    'planted',
  ],
  [
    'is a view, which reads as its owner',
    ['create view everything as select * from projects', `grant select on everything to ${roles.server}`],
    'everything',
  ],
])('the server refuses to serve from a table that %s', async (_, statements, table) => {
  expect(await verdict(...statements)).toBe(`Error: Row-level security is not forced on: ${table}`)
})

test('a table that no role of the server can reach is nobody else’s business', async () => {
  expect(await verdict('create table archive (id int)')).toBe('serves')
})
