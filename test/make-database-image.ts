import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import { pino } from 'pino'
import { loadConfig } from '../src/config.ts'
import { applyMigrations, migratePostgres } from '../src/database/migrate.ts'
import { ormOptions } from '../src/database/orm-options.ts'
import { loadModules } from '../src/modules.ts'
import { entitiesOf } from '../src/pipeline-entities.ts'
import { createDatabase, dropDatabase, POSTGRES_URL, TEMPLATE } from './databases.ts'
import { IMAGE_PATH } from './embedded-image.ts'

const log = pino({ level: 'silent' })
const allEntities = async () => entitiesOf([...(await loadModules()).values()])

/**
 * Makes a database once for the whole run, empty and migrated: making one takes long, and each test has a server of its own. The
 * migrations that it has been through are the same ones that each server would apply.
 */
export async function makeDatabaseImage(): Promise<void> {
  if (POSTGRES_URL) await makeTemplate()
  else await makeEmbeddedImage()
}

/** Removes it when the run has ended. */
export async function removeDatabaseImage(): Promise<void> {
  const [template, path] = [process.env[TEMPLATE], process.env[IMAGE_PATH]]
  if (template) await dropDatabase(template)
  if (path) await rm(dirname(path), { recursive: true, force: true })
}

async function makeTemplate(): Promise<void> {
  const template = await createDatabase()
  const config = loadConfig({ NODE_ENV: 'test', DATABASE_URL: template.url }, '/dev/null')
  await migratePostgres(config, await allEntities(), log)
  process.env[TEMPLATE] = template.name
}

async function makeEmbeddedImage(): Promise<void> {
  const pglite = await PGlite.create()
  const orm = await MikroORM.init({
    ...(await ormOptions(await allEntities(), log)),
    dbName: 'postgres',
    driverOptions: { pglite },
  })
  await applyMigrations(orm, log)
  const image = await pglite.dumpDataDir('none')
  await pglite.close()
  const path = join(await mkdtemp(join(tmpdir(), 'tenantry-image-')), 'image.tar')
  await writeFile(path, new Uint8Array(await image.arrayBuffer()))
  process.env[IMAGE_PATH] = path
}
