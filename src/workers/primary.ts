import cluster from 'node:cluster'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { migratePostgres } from '../database/migrate.ts'
import { readPoolSize } from '../database/pool-size.ts'
import { loadModules } from '../modules.ts'
import { entitiesOf } from '../pipeline-entities.ts'
import { serverSecrets } from '../principal/server-secrets.ts'
import { prepareSigningKeys } from '../principal/start-signing-keys.ts'
import { onEndSignals } from '../serve.ts'
import { serveMetrics } from '../watching/metrics-server.ts'
import { createFamily, endAtOnce, endInOrder, metricsOf, startAll } from './family.ts'

/**
 * Has workers serve, and serves nothing itself: makes what is made once, starts them and keeps their number. Node hands each
 * connection to the next worker that is free. The first signal drains all of them; a second one ends everything at once.
 * @throws Error where the workers could not start either: keys, the database or its migrations are not in order.
 */
export async function startWorkers(config: Config, log: Logger): Promise<void> {
  const family = createFamily(await prepare(config, log), log)
  // JSON would lose the maps in the configuration.
  cluster.setupPrimary({ serialization: 'advanced' })
  if (config.metrics) await serveMetrics(config.metrics, () => metricsOf(family), log)
  let isEnding = false
  onEndSignals((signal) => {
    if (isEnding) endAtOnce(family)
    isEnding = true
    endInOrder(family, signal)
  })
  startAll(family)
}

/** Makes what is to be there once, and tells of mistakes once. @returns the configuration of the workers */
async function prepare(config: Config, log: Logger): Promise<Config> {
  prepareSigningKeys(config, log)
  serverSecrets(config)
  const modules = [...(await loadModules()).values()]
  if (config.database.migrateOnStart) await migratePostgres(config, entitiesOf(modules), log)
  const poolSize = await readPoolSize(config)
  return { ...config, database: { ...config.database, poolSize, migrateOnStart: false } }
}
