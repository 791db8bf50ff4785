import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { openDatabase } from '../../src/database/database.ts'
import { assertMigrated, migratePostgres } from '../../src/database/migrate.ts'
import { migrations } from '../../src/database/migrations.ts'
import { inTransaction } from '../../src/database/tenancy.ts'
import { createLogger } from '../../src/http/log.ts'
import { createDatabase, POSTGRES_URL } from '../harness.ts'
import { allEntities, databaseConfig } from './given-database.ts'

const log = createLogger('silent')

/** The URL as another login's. */
function asLogin(url: string, login: string): string {
  const changed = new URL(url)
  changed.username = login
  changed.password = 'a password for this test'
  return changed.href
}

describe('on a server of its own', () => {
  const made: { url: string; drop: () => Promise<void> }[] = []
  const logins: string[] = []
  let owner: Client

  beforeAll(async () => {
    owner = new Client({ connectionString: POSTGRES_URL })
    await owner.connect()
  })
  afterAll(async () => {
    for (const { drop } of made) await drop()
    for (const login of logins) await owner.query(`drop owned by ${login}`).catch(() => {})
    for (const login of logins) await owner.query(`drop role if exists ${login}`)
    await owner.end()
  })

  async function emptyDatabase(): Promise<string> {
    const database = await createDatabase()
    made.push(database)
    return database.url
  }
  function newLogin(): string {
    const login = `tenantry_test_login_${randomUUID().slice(0, 8)}`
    logins.push(login)
    return login
  }
  const settings = (url: string, login: string) =>
    databaseConfig(asLogin(url, login), { MIGRATION_DATABASE_URL: url, DATABASE_POOL_SIZE: '2' })

  test('three instances that start at once on one empty database all serve from it', async () => {
    const config = databaseConfig(await emptyDatabase())
    const entities = await allEntities()
    const instances = await Promise.all([1, 2, 3].map(() => openDatabase(config, entities, log)))
    for (const instance of instances) await assertMigrated(instance.orm)
    const applied = await instances[0]!.orm.em
      .getConnection()
      .execute('select name from mikro_orm_migrations order by id')
    expect(applied).toEqual((await migrations()).map(({ name }) => ({ name })))
    for (const instance of instances) await instance.close()
  })

  test('instances of several databases of one cluster make the same login at once', async () => {
    const entities = await allEntities()
    const urls = [await emptyDatabase(), await emptyDatabase(), await emptyDatabase()]
    const first = newLogin()
    await Promise.all(urls.map((url) => migratePostgres(settings(url, first), entities, log)))
    // With nothing else left to do they meet at the login.
    for (let round = 0; round < 5; round += 1) {
      const login = newLogin()
      await Promise.all(urls.map((url) => migratePostgres(settings(url, login), entities, log)))
    }
  })

  test('a login that does not exist yet is made, serves, and can do nothing by itself', async () => {
    const url = await emptyDatabase()
    const login = newLogin()
    const database = await openDatabase(settings(url, login), await allEntities(), log)
    const who = (em: { execute(sql: string): Promise<unknown> }) =>
      em.execute('select current_user::text as role, session_user::text as login')
    expect(
      await inTransaction(database, { door: 'tenant', organizationId: randomUUID(), readOnly: true }, who),
    ).toEqual([{ role: 'tenantry_server', login }])
    await database.close()

    const alone = new Client({ connectionString: asLogin(url, login) })
    alone.on('error', () => {})
    await alone.connect()
    // The planner would stumble over a missing tenant before the privileges are asked.
    await alone.query(`select set_config('mikro.tenant.organizationId', $1, false)`, [randomUUID()])
    for (const table of ['projects', 'users', 'passwords', 'mikro_orm_migrations']) {
      await expect(alone.query(`select * from ${table}`)).rejects.toThrow('permission denied')
    }
    await expect(alone.query('set role postgres')).rejects.toThrow('permission denied')
    await expect(alone.query('create table planted (id int)')).rejects.toThrow('permission denied')
    await alone.end()
    const [role] = (
      await owner.query(
        'select rolsuper, rolinherit, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = $1',
        [login],
      )
    ).rows as unknown[]
    const none = { rolsuper: false, rolinherit: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false }
    expect(role).toEqual(none)
  })

  test('an owner who is no superuser migrates, as on a managed server', async () => {
    const url = await emptyDatabase()
    const [login, migrating] = [newLogin(), newLogin()]
    await owner.query(`create role ${migrating} login createrole`)
    await owner.query(`alter database ${new URL(url).pathname.slice(1)} owner to ${migrating}`)
    const config = databaseConfig(asLogin(url, login), { MIGRATION_DATABASE_URL: asLogin(url, migrating) })
    const database = await openDatabase(config, await allEntities(), log)
    await assertMigrated(database.orm)
    await database.close()
  })

  test('a database that nobody has migrated is not served from', async () => {
    const config = databaseConfig(await emptyDatabase(), { MIGRATE_ON_START: 'false' })
    await expect(openDatabase(config, await allEntities(), log)).rejects.toThrow()
  })

  test('with a migration pending, and nobody to apply it, nothing is served', async () => {
    const url = await emptyDatabase()
    await migratePostgres(databaseConfig(url), await allEntities(), log)
    const direct = new Client({ connectionString: url })
    await direct.connect()
    await direct.query('delete from mikro_orm_migrations where id = 1')
    await direct.end()
    const config = databaseConfig(url, { MIGRATE_ON_START: 'false' })
    await expect(openDatabase(config, await allEntities(), log)).rejects.toThrow('pending: ')
  })

  test('in production the login behind the serving role may not be all-powerful', async () => {
    const url = await emptyDatabase()
    const production = { ...databaseConfig(url), production: true }
    await expect(openDatabase(production, await allEntities(), log)).rejects.toThrow('is a superuser or bypasses')
    const ordinary = { ...settings(url, newLogin()), production: true }
    const database = await openDatabase(ordinary, await allEntities(), log)
    await database.close()
  })

  test('a migration that is missing is named', async () => {
    const url = await emptyDatabase()
    const database = await openDatabase(databaseConfig(url), await allEntities(), log)
    const direct = new Client({ connectionString: url })
    await direct.connect()
    await direct.query('delete from mikro_orm_migrations where id = 1')
    await direct.end()
    await expect(assertMigrated(database.orm)).rejects.toThrow(`pending: ${(await migrations())[0]!.name}`)
    await database.close()
  })
})
