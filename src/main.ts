import cluster from 'node:cluster'
import { createApp } from './app.ts'
import { loadConfig, type Config } from './config.ts'
import { demoConfig, fillDemo } from './demo.ts'
import { createLogger } from './http/log.ts'
import { announce, endServing, fail, onEndSignals, serve } from './serve.ts'
import { startWorkers } from './workers/primary.ts'
import { work } from './workers/worker.ts'

/** Serves until a signal says otherwise: by itself, or by workers, which run this program too. */
async function main(): Promise<void> {
  if (cluster.isWorker) return work()
  const demo = process.argv.includes('--demo')
  const config = demo ? demoConfig(loadConfig()) : loadConfig()
  return config.workers > 1 ? startWorkers(config, createLogger(config.logLevel)) : serveAlone(config, demo)
}

async function serveAlone(config: Config, demo: boolean): Promise<void> {
  const app = await createApp(config, { log: createLogger(config.logLevel) })
  let isEnding = false
  onEndSignals((signal) => {
    // The second signal is from somebody who does not want to wait.
    if (isEnding) process.exit(1)
    isEnding = true
    endServing(app, signal).catch(fail)
  })
  const address = await serve(app)
  const credentials = demo ? await fillDemo(app, address) : ''
  announce(config, address)
  process.stdout.write(credentials)
}

main().catch(fail)
