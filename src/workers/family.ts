import cluster, { type Worker } from 'node:cluster'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { announce, type EndSignal } from '../serve.ts'
import { textOfWorkers } from '../watching/metrics.ts'
import { createMeasures, type Measures } from './measures.ts'
import type { FromWorker, Question, ToWorker } from './messages.ts'
import { createRelay, type Relay } from './relay.ts'
import { createRestarts, type Restarts } from './restarts.ts'

/** A worker's place: whoever holds it ends, and another one takes it. */
interface Place {
  /** From 1 on; what the log calls `worker`. */
  readonly number: number
  readonly restarts: Restarts
  worker: Worker | null
  /** When its worker has begun to serve. */
  servesSince: number | null
  /** Until the next one is started. */
  waiting: NodeJS.Timeout | undefined
}

/** The workers of one server, as the primary knows them. */
export interface Family {
  readonly config: Config
  readonly log: Logger
  readonly places: readonly Place[]
  readonly relay: Relay
  readonly measures: Measures
  isAnnounced: boolean
  /** Once it ends, with the exit code so far. */
  ending: { code: number } | null
}

/** As many places as the configuration says, nobody in them yet. */
export function createFamily(config: Config, log: Logger): Family {
  const places = Array.from({ length: config.workers }, (_, at): Place => {
    return { number: at + 1, restarts: createRestarts(), worker: null, servesSince: null, waiting: undefined }
  })
  const toPlace = (number: number, message: ToWorker) => {
    const worker = places[number - 1]?.worker
    if (worker) tell(worker, message)
  }
  const [relay, measures] = [createRelay(toPlace), createMeasures(toPlace)]
  return { config, log, places, relay, measures, isAnnounced: false, ending: null }
}

/** The metrics of the workers that serve, in one text. */
export async function metricsOf({ places, measures }: Family): Promise<string> {
  const serving = places.filter(({ servesSince }) => servesSince !== null).map(({ number }) => number)
  return textOfWorkers(await measures.ask(serving))
}

/** Starts a worker for each place. */
export function startAll(family: Family): void {
  for (const place of family.places) start(family, place)
}

/** Has all workers finish what is in flight, and ends with them. @param code what the program exits with if they do */
export function endInOrder(family: Family, signal: EndSignal, code = 0): void {
  if (family.ending) return
  family.ending = { code }
  family.log.info({ signal }, 'stopping all workers')
  for (const { worker, waiting } of family.places) {
    clearTimeout(waiting)
    if (worker) tell(worker, { end: signal })
  }
  exitAfterTheLast(family, family.ending)
}

/** Ends the workers and this program, whatever they are at. */
export function endAtOnce({ places }: Family): never {
  for (const { worker } of places) worker?.process.kill('SIGKILL')
  process.exit(1)
}

function start(family: Family, place: Place): void {
  const { config, log } = family
  const worker = cluster.fork()
  const { pid } = worker.process
  Object.assign(place, { worker, servesSince: null })
  log.info({ worker: place.number, pid }, 'a worker is starting')
  worker.on('message', (message: FromWorker) => hear(family, place, message))
  worker.once('exit', (code, signal) => hasEnded(family, place, { pid, code, signal }))
  // There is no exit of a process that could not be made.
  worker.on('error', (error) => {
    log.error({ err: error, worker: place.number }, 'a worker cannot be reached')
    if (pid === undefined) hasEnded(family, place, {})
  })
  tell(worker, { start: { place: place.number, config } })
}

function tell(worker: Worker, message: ToWorker): void {
  // One that cannot be told any more has ended, and its exit says so.
  worker.send(message, () => {})
}

function hear(family: Family, place: Place, message: FromWorker): void {
  const { relay, measures } = family
  if ('address' in message) serves(family, place, message.address)
  else if ('values' in message) measures.answered(place.number, message.measured, message.values)
  else if ('answer' in message) relay.answer(place.number, message.answer)
  else askOthers(family, { from: place.number, number: message.ask })
}

function askOthers({ places, relay }: Family, question: Question): void {
  // One that is starting too: it may be listening to the database already.
  const others = places.filter(({ worker }) => worker !== null).map(({ number }) => number)
  relay.ask(
    question,
    others.filter((number) => number !== question.from),
  )
}

function serves(family: Family, place: Place, address: string): void {
  const { config, log, places } = family
  place.servesSince = performance.now()
  place.restarts.started()
  if (family.isAnnounced || places.some(({ servesSince }) => servesSince === null)) return
  family.isAnnounced = true
  log.info({ address, workers: places.length, poolSize: config.database.poolSize }, 'all workers are ready')
  announce(config, address)
}

/** How a process has ended; nothing is known of one that could not be made. */
interface Ended {
  pid?: number | undefined
  code?: number | null
  signal?: string | null
}

function hasEnded(family: Family, place: Place, how: Ended): void {
  const servedMs = place.servesSince === null ? null : performance.now() - place.servesSince
  Object.assign(place, { worker: null, servesSince: null })
  family.relay.gone(place.number)
  family.measures.gone(place.number)
  if (!family.ending) replace(family, place, servedMs, how)
  else {
    // What has not ended in good order may not have finished what was in flight.
    if (how.code !== 0) family.ending.code = 1
    exitAfterTheLast(family, family.ending)
  }
}

function replace(family: Family, place: Place, servedMs: number | null, how: Ended): void {
  // What keeps a server from starting is not waited for: whoever starts it reads why.
  const waitMs = family.isAnnounced ? place.restarts.waitAfter(servedMs) : null
  if (waitMs !== null) {
    family.log.error({ worker: place.number, ...how, restartMs: waitMs }, 'a worker has ended')
    place.waiting = setTimeout(() => start(family, place), waitMs)
    return
  }
  family.log.fatal({ worker: place.number, ...how }, 'a worker cannot start')
  // Nobody is sent here by a load balancer before the server was ready: then there is nothing to wait for.
  endInOrder(family, family.isAnnounced ? 'SIGTERM' : 'SIGINT', 1)
}

function exitAfterTheLast({ places, log }: Family, { code }: { code: number }): void {
  if (places.some(({ worker }) => worker !== null)) return
  log.info('all workers have stopped')
  process.exit(code)
}
