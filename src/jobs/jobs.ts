import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Database } from '../database/database.ts'
import { describeError } from '../http/log.ts'
import { tellOfExpiringKeys } from './expiry-notices.ts'
import { removeWhatIsOld } from './retention.ts'
import { deliverWebhooks } from './webhook-deliveries.ts'

const FIRST_RUN_MS = 5_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** What the jobs work with. */
export interface JobSettings {
  config: Pick<Config, 'audit' | 'webhook'>
  database: Database
  log: Logger
  clock: () => Date
}

/** What a job works with. */
export interface Surroundings extends JobSettings {
  /** Aborted when the server stops: a job ends what it is at and begins nothing more. */
  signal: AbortSignal
}

type Job = readonly [name: string, work: (surroundings: Surroundings) => Promise<void>]

const everyMinute: readonly Job[] = [
  ['expiry notices', tellOfExpiringKeys],
  ['webhook deliveries', deliverWebhooks],
]
const everyHour: readonly Job[] = [['retention', removeWhatIsOld]]

/** The server's own background jobs. They run one after the other, and never twice at once in this instance. */
export interface Jobs {
  /** Runs them from now on, the first time in seconds. A command, which works as an instance for a moment, does not. */
  start(): void
  /** Runs all of them once, after what is running now. What fails is logged. */
  run(): Promise<void>
  /** Begins nothing more, and waits for what runs. */
  stop(): Promise<void>
}

/** Makes the jobs; nothing runs before they are started. */
export function createJobs(settings: JobSettings): Jobs {
  const stopping = new AbortController()
  const surroundings: Surroundings = { ...settings, signal: stopping.signal }
  let timers: NodeJS.Timeout[] = []
  let waiting = 0
  let last: Promise<void> = Promise.resolve()

  async function runEach(jobs: readonly Job[]): Promise<void> {
    for (const [name, work] of jobs) {
      if (stopping.signal.aborted) return
      try {
        await work(surroundings)
      } catch (error) {
        settings.log.error({ job: name, error: describeError(error) }, 'a job failed')
      }
    }
  }
  function inTurn(jobs: readonly Job[]): Promise<void> {
    waiting += 1
    last = last.then(() => runEach(jobs)).finally(() => (waiting -= 1))
    return last
  }

  const run = () => inTurn([...everyMinute, ...everyHour])
  return {
    run,
    start() {
      if (timers.length > 0 || stopping.signal.aborted) return
      timers = [
        setTimeout(() => void run(), FIRST_RUN_MS),
        // What takes longer than a minute must not pile up.
        setInterval(() => void (waiting === 0 && inTurn(everyMinute)), MINUTE_MS),
        setInterval(() => void inTurn(everyHour), HOUR_MS),
      ]
      for (const timer of timers) timer.unref()
    },
    async stop() {
      stopping.abort()
      for (const timer of timers) clearTimeout(timer)
      await last
    },
  }
}
