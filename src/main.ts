import { setTimeout as sleep } from 'node:timers/promises'
import { createApp, type App } from './app.ts'
import { loadConfig, type Config } from './config.ts'
import { demoConfig, fillDemo } from './demo.ts'
import { drain } from './http/drain.ts'
import { createLogger } from './http/log.ts'

/** Serves until a signal says otherwise. A second signal ends the process at once. */
async function main(): Promise<void> {
  const demo = process.argv.includes('--demo')
  const config = demo ? demoConfig(loadConfig()) : loadConfig()
  const log = createLogger(config.logLevel)
  const app = await createApp(config, { log })
  const end = (signal: NodeJS.Signals) => {
    process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1))
    void stop(app, config, signal)
  }
  process.once('SIGTERM', end).once('SIGINT', end)
  const address = await app.listen()
  app.services.jobs.start()
  const credentials = demo ? await fillDemo(app, address) : ''
  log.info({ address, engine: app.services.database.engine }, 'ready')
  announce(config, address)
  process.stdout.write(credentials)
}

/** For whoever started it by hand. */
function announce(config: Config, address: string): void {
  const lines = [...(config.http.graphiql ? [`  GraphiQL  ${address}/graphiql`] : []), `  GraphQL   ${address}/graphql`]
  process.stdout.write(`\nTenantry is ready\n${lines.join('\n')}\n\n`)
}

async function stop(app: App, config: Config, signal: NodeJS.Signals): Promise<void> {
  const { log } = app.services
  log.info({ signal }, 'stopping')
  // Nobody balances load in front of a server that was started by hand.
  const graceMs = config.production && signal === 'SIGTERM' ? config.http.drainGraceMs : 0
  await Promise.all([app.services.jobs.stop(), drain(app.server, { graceMs })])
  log.info('stopped')
  await sleep(0)
  process.exit(0)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
