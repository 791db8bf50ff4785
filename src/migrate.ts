import { loadConfig } from './config.ts'
import { migratePostgres } from './database/migrate.ts'
import { createLogger } from './http/log.ts'
import { loadModules } from './modules.ts'
import { entitiesOf } from './pipeline-entities.ts'

/** `npm run migrate`: applies pending migrations as the owner, and admits the serving login. */
async function main(): Promise<void> {
  const config = loadConfig()
  if (!config.database.url) throw new Error('DATABASE_URL is not set: the embedded database is migrated by `npm start`')
  const modules = [...(await loadModules()).values()]
  await migratePostgres(config, entitiesOf(modules), createLogger(config.logLevel))
  process.stdout.write('The database is up to date\n')
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
