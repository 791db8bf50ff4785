import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { MikroORM } from '@mikro-orm/pglite'
import { pino } from 'pino'
import { applyMigrations } from '../src/database/migrate.ts'
import { ormOptions } from '../src/database/orm-options.ts'
import { loadModules } from '../src/modules.ts'
import { entitiesOf } from '../src/pipeline-entities.ts'
import { IMAGE_PATH } from './embedded-image.ts'

/**
 * Makes an embedded database once for the whole run, empty and migrated: making one takes seconds, and each test has a server
 * of its own. The migrations that it has been through are the same ones that each server would apply.
 */
export async function makeEmbeddedImage(): Promise<void> {
  if (process.env.DATABASE_URL) return
  const log = pino({ level: 'silent' })
  const pglite = await PGlite.create()
  const entities = entitiesOf([...(await loadModules()).values()])
  const orm = await MikroORM.init({
    ...(await ormOptions(entities, log)),
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

/** Removes it when the run has ended. */
export async function removeEmbeddedImage(): Promise<void> {
  const path = process.env[IMAGE_PATH]
  if (path) await rm(dirname(path), { recursive: true, force: true })
}
