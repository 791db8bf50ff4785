import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServerProcess, type Running } from '../given-process.ts'
import { createDatabase, sendTo, SETTINGS, type Answer, type Sending } from '../harness.ts'

/** A line of the log, of a worker or of the primary. */
export interface Line {
  msg: string
  worker?: number
  requestId?: string
  pid?: number
  [field: string]: unknown
}

/** `npm start` with several workers, on a database of its own. */
export interface Workers extends Running {
  databaseUrl: string
  /** Its data directory. */
  directory: string
  log(): Line[]
  /** Sends on a connection of its own: with the next one the next worker has its turn. */
  send(query: string, sending?: Sending): Promise<Answer>
  /** The place of the worker that gave an answer, which the log alone tells. */
  workerOf(answer: Answer): Promise<number>
  /** The process ids of the workers, by their place. */
  pids(): Map<number, number>
  close(): Promise<void>
}

/** Waits until there is something. @throws Error after 30 s */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const since = performance.now()
  while (performance.now() - since < 30_000) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(20)
  }
  throw new Error('It has not come within 30 s')
}

/** The lines of a log so far. */
export const linesOf = (stdout: string): Line[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))

type Settings = Record<string, string>

/** Starts workers, 2 unless told otherwise, with the settings of the tests. */
export async function givenWorkers(settings: Settings | ((databaseUrl: string) => Settings) = {}): Promise<Workers> {
  const database = await createDatabase()
  const own = typeof settings === 'function' ? settings(database.url) : settings
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-workers-'))
  const redis = { REDIS_KEY_PREFIX: `test:${randomUUID()}:` }
  const env = { ...SETTINGS, ...redis, DATA_DIR: directory, WORKERS: '2', DATABASE_URL: database.url, ...own }
  const running = await startServerProcess([], { env }).catch(async (error: unknown) => {
    await database.drop()
    throw error
  })
  const log = () => linesOf(running.stdout())
  const lineWith = (is: (line: Line) => boolean) => eventually(() => log().find(is))
  return {
    ...running,
    databaseUrl: database.url,
    directory,
    log,
    send: (query, sending = {}) =>
      sendTo(running.url, query, { ...sending, headers: { ...sending.headers, connection: 'close' } }),
    async workerOf({ headers }) {
      const { worker } = await lineWith(({ requestId }) => requestId === headers.get('x-request-id'))
      return worker ?? 0
    },
    pids() {
      const found = log().filter(({ msg }) => msg === 'a worker is starting')
      return new Map(found.map(({ worker = 0, pid = 0 }) => [worker, pid]))
    },
    async close() {
      await running.stop()
      await database.drop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
