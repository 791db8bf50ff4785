import { createApp, type App } from '../app.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../http/log.ts'
import { endServing, fail, onEndSignals, serve, type EndSignal } from '../serve.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { createSiblings } from './siblings.ts'

/**
 * Serves as one of several, until the primary says otherwise or is gone: Node ends a worker whose primary has ended. A signal
 * to a worker alone drains it, and the primary starts another one in its place.
 */
export async function work(): Promise<void> {
  const siblings = createSiblings(tell)
  let app: App | null = null
  let isEnding = false
  const end = (signal: EndSignal) => {
    // A terminal, and many a supervisor, sends its signal to the primary and to the workers: that is no second signal.
    if (isEnding) return
    isEnding = true
    if (app) endServing(app, signal).catch(fail)
    // Whoever has not begun has nothing to finish.
    else process.exit(0)
  }
  onEndSignals(end)
  const started = new Promise<{ place: number; config: Config }>((resolve) => {
    process.on('message', (message: ToWorker) => {
      if ('start' in message) resolve(message.start)
      else if ('asked' in message) siblings.asked(message.asked)
      else if ('answered' in message) siblings.answered(message.answered)
      else if ('measure' in message) measure(app, message.measure)
      else end(message.end)
    })
  })
  const { place, config } = await started
  const log = createLogger(config.logLevel).child({ worker: place })
  const made = await createApp(config, { log, siblings })
  const address = await serve(made)
  app = made
  tell({ address })
}

/** Shows the primary what this worker has measured. */
function measure(app: App | null, question: number): void {
  app?.services.metrics.values().then(
    (values) => tell({ measured: question, values }),
    (error: unknown) => app.services.log.error({ err: error }, 'the metrics could not be read'),
  )
}

function tell(message: FromWorker): void {
  // A primary that is gone has no use for it, and this worker ends.
  process.send?.(message, undefined, undefined, () => {})
}
