import { AsyncLocalStorage } from 'node:async_hooks'
import pg, { type Connection, type Pool, type PoolClient } from 'pg'
import type { Deadline } from '../deadline.ts'
import { impatientSocket } from './silent-connections.ts'

/** The server takes a cancel request within this time, or cannot be reached. */
const TAKEN_MS = 2_000
/** What is still running then is cancelled again: the first request may have met a server that had not begun yet. */
const AGAIN_MS = 200

/** What pg keeps of a connection, and its types leave out. */
interface Known {
  readonly host: string
  readonly port: number
  readonly ssl: unknown
  readonly sslNegotiation: string
  readonly processID: number
  readonly secretKey: number
}
type Requesting = Connection & {
  connect(portOrPath: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}
const RequestingConnection = pg.Connection as unknown as new (config: object) => Requesting

/**
 * Has PostgreSQL cancel what it is running on a connection, if it is running anything: by a CancelRequest on a connection of its
 * own (PostgreSQL's protocol, "Canceling Requests in Progress"), which needs no role and no place among the connections.
 *
 * Resolves when the server has hung up. It has sent the signal by then, so what is sent on the connection afterwards is safe
 * from it; until then nothing else may be sent. Where that is not certain the connection is destroyed.
 */
export function cancelRunning(client: PoolClient): Promise<void> {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as Known
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const request = new RequestingConnection({ ssl, sslNegotiation, stream: impatientSocket })
  let isAsked = false
  const ask = () => {
    isAsked = true
    request.cancel(processID, secretKey)
  }
  const giveUp = () => {
    request.stream.destroy()
    client.connection.stream.destroy(new Error('Connection terminated: its statement could not be cancelled'))
    resolve(undefined)
  }
  const timer = setTimeout(giveUp, TAKEN_MS)
  request.once('connect', () => {
    if (!ssl) ask()
    else if (sslNegotiation !== 'direct') request.requestSsl()
  })
  request.once('sslconnect', ask)
  request.on('error', giveUp)
  request.once('end', () => {
    clearTimeout(timer)
    if (isAsked) resolve(undefined)
    else giveUp()
  })
  if (host.startsWith('/')) request.connect(`${host}/.s.PGSQL.${port}`)
  else request.connect(port, host)
  return promise
}

/** What a deadline does to the connection that is worked on. */
export interface Cancelling {
  /** Nothing is cancelled any more. What it gives is awaited before anything else is sent on the connection; null: nothing. */
  stop(): Promise<void> | null
}

/** For work that nobody waits for, and where nothing can be cancelled. */
export const NEVER_CANCELLED: Cancelling = { stop: () => null }

/** Cancels what runs on a connection from the moment on at which the deadline passes, until it is stopped. */
export function cancelAt(deadline: Deadline | undefined, client: PoolClient): Cancelling {
  if (!deadline) return NEVER_CANCELLED
  let isStopped = false
  let requested: Promise<void> | null = null
  let again: NodeJS.Timeout | undefined
  const request = () => {
    requested = cancelRunning(client).then(() => {
      if (!isStopped) again = setTimeout(request, AGAIN_MS).unref()
    })
  }
  deadline.onAbort = request
  return {
    stop() {
      isStopped = true
      deadline.onAbort = null
      clearTimeout(again)
      return requested
    },
  }
}

/** Told of the connection that is taken from the pool: the ORM tells nobody which one its transaction has. */
const taking = new AsyncLocalStorage<(client: PoolClient) => void>()

/** Lets {@link cancelAtIn} know the connections of a pool. */
export function tellWhoTakes(pool: Pool): void {
  const connect = pool.connect.bind(pool) as (callback?: unknown) => Promise<PoolClient>
  pool.connect = ((callback?: unknown) => {
    const tell = taking.getStore()
    if (!tell || callback) return connect(callback)
    return connect().then((client) => {
      tell(client)
      return client
    })
  }) as Pool['connect']
}

/**
 * The same as {@link cancelAt}, on the connection that `begin` takes, once that is done: where it fails, nobody would stop the
 * cancelling of what is another's by then.
 */
export async function cancelAtIn(deadline: Deadline | undefined, begin: () => Promise<void>): Promise<Cancelling> {
  let taken: PoolClient | undefined
  await taking.run((client) => void (taken = client), begin)
  return taken ? cancelAt(deadline, taken) : NEVER_CANCELLED
}
