import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from './app.ts'
import type { Config } from './config.ts'
import { drain } from './http/drain.ts'

/** A signal that asks a process to end. */
export type EndSignal = 'SIGTERM' | 'SIGINT'

/** Calls `end` with each signal that asks this process to end. */
export function onEndSignals(end: (signal: EndSignal) => void): void {
  process.on('SIGTERM', () => end('SIGTERM')).on('SIGINT', () => end('SIGINT'))
}

/** Listens, and runs the jobs. @returns the address */
export async function serve(app: App): Promise<string> {
  const { services } = app
  const address = await app.listen()
  services.jobs.start()
  services.log.info({ address, engine: services.database.engine }, 'ready')
  return address
}

/** Finishes what is in flight, and ends the process. */
export async function endServing({ server, services }: App, signal: EndSignal): Promise<void> {
  const { log, config, jobs } = services
  log.info({ signal }, 'stopping')
  // Nobody balances load in front of a server that was started by hand.
  const graceMs = config.production && signal === 'SIGTERM' ? config.http.drainGraceMs : 0
  await Promise.all([jobs.stop(), drain(server, { graceMs })])
  log.info('stopped')
  await sleep(0)
  process.exit(0)
}

/** For whoever started it by hand. */
export function announce({ http }: Config, address: string): void {
  const lines = [...(http.graphiql ? [`  GraphiQL  ${address}/graphiql`] : []), `  GraphQL   ${address}/graphql`]
  process.stdout.write(`\nTenantry is ready\n${lines.join('\n')}\n\n`)
}

/** For whoever reads what a program has written: what ended it. */
export function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
