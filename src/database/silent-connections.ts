import { Socket } from 'node:net'
import { Client, type Pool, type PoolClient } from 'pg'
import type { Logger } from 'pino'

/** A statement that has not been answered for so long is asked after. */
const SILENCE_MS = 2_000
/** The server answers the question within this time, or cannot be reached. */
const PROBE_MS = 2_000
/** The first byte of a new connection comes within this time. */
const CONNECT_MS = 3_000
/** A statement is answered within its own timeout and this. */
const LENIENCY_MS = 2_000

/**
 * Settings of a connection with which PostgreSQL itself finds out within some 11 s that its client has vanished, rolls back
 * and frees the locks.
 */
export const VANISHED_CLIENTS = '-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3'

/** A socket for a new connection, which gives up where nothing at all is heard: a half-open network accepts and is silent. */
export function impatientSocket(): Socket {
  const socket = new Socket()
  socket.setTimeout(CONNECT_MS)
  socket.on('timeout', () => {
    if (socket.bytesRead === 0) socket.destroy(silence())
  })
  return socket
}

const silence = () => new Error('The database has fallen silent')

interface Watching {
  url: string
  statementTimeoutMs: number
  log: Logger
}

/**
 * Ends the pool's connections that are half open: what is sent on one is lost without an error, and TCP has patience for a
 * quarter of an hour. Where a statement is not answered for 2 s, the server is asked on a new connection whether it is
 * working on it. If it is, it has its time; if it is not, or cannot be asked, the connection is ended, which fails the
 * statement and frees the place in the pool. What the server holds of such a connection is ended as soon as it can be asked.
 */
export function endSilentConnections(pool: Pool, { url, statementTimeoutMs, log }: Watching): void {
  const inUse = new WeakSet<PoolClient>()
  const backends = askAfterBackends(url, () => pool.ending)
  pool.on('acquire', (client) => void inUse.add(client))
  pool.on('release', (_error, client) => void inUse.delete(client))
  pool.on('connect', (client) => {
    const { stream } = client.connection
    if (!(stream instanceof Socket)) return
    const pid = processIdOf(client)
    const owed = watchAnswers(client, stream)
    async function askAfter(): Promise<void> {
      // A goodbye that nobody answers.
      if (stream.writableEnded) stream.destroy()
      if (!inUse.has(client) || !owed.isOwed()) return
      const isWorking = owed.silentMs() < statementTimeoutMs + LENIENCY_MS && (await backends.work(pid))
      if (!inUse.has(client) || !owed.isOwed() || owed.hasSpoken()) return
      if (isWorking) return void (stream as Socket).setTimeout(SILENCE_MS)
      log.warn('a connection to the database has fallen silent, and is ended')
      stream.destroy(silence())
      backends.end(pid)
    }
    stream.setTimeout(SILENCE_MS)
    stream.on('timeout', () => void askAfter())
  })
}

/** What the server owes an answer to, on one connection. */
function watchAnswers(client: PoolClient, socket: Socket) {
  let answered = socket.bytesWritten
  let read = 0
  let silentSince = 0
  client.on('drain', () => (answered = socket.bytesWritten))
  return {
    isOwed: () => !socket.destroyed && socket.bytesWritten > answered,
    /** How long nothing has come. Asked when the socket tells of a silence, which it does when that has lasted for its time. */
    silentMs(): number {
      if (read !== socket.bytesRead) silentSince = performance.now() - SILENCE_MS
      read = socket.bytesRead
      return performance.now() - silentSince
    },
    /** Whether something has come since that was asked. */
    hasSpoken: () => read !== socket.bytesRead,
  }
}

/** The id of the server's process behind a connection, which pg's types leave out. */
const processIdOf = (client: PoolClient): number =>
  'processID' in client && typeof client.processID === 'number' ? client.processID : 0

const WORKING = `select pid from pg_stat_activity where usename = session_user and state is distinct from 'idle'
  and state is distinct from 'idle in transaction' and state is distinct from 'idle in transaction (aborted)'`
// What has begun to work since then is no more the connection that was given up.
const END = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid = any ($1) and usename = session_user and state <> 'active'`

/** Asks the server what it is working on, and has it end what was given up. @returns null where it cannot be asked */
async function ask(url: string, ending: Set<number>): Promise<Set<number> | null> {
  const client = new Client({ connectionString: url, application_name: 'tenantry watch', query_timeout: PROBE_MS })
  client.on('error', () => {})
  const timer = setTimeout(() => client.connection.stream.destroy(), PROBE_MS)
  try {
    await client.connect()
    const { rows } = await client.query<{ pid: number }>(WORKING)
    const ended = [...ending]
    if (ended.length > 0) await client.query(END, [ended])
    for (const pid of ended) ending.delete(pid)
    return new Set(rows.map(({ pid }) => pid))
  } catch {
    return null
  } finally {
    clearTimeout(timer)
    client.connection.stream.destroy()
  }
}

/**
 * The server's processes behind the connections of a pool. All who ask about them meanwhile share one answer.
 * @param isOver whether the pool is closed: nobody is asked any more, whatever is still to be ended
 */
function askAfterBackends(url: string, isOver: () => boolean) {
  const ending = new Set<number>()
  let asking: Promise<Set<number> | null> | null = null

  function answer(): Promise<Set<number> | null> {
    asking ??= ask(url, ending).finally(() => (asking = null))
    return asking
  }
  async function endAll(): Promise<void> {
    if (isOver()) return
    await answer()
    if (ending.size > 0) setTimeout(() => void endAll(), PROBE_MS / 2).unref()
  }
  return {
    /** Whether the server is working on something for this one. */
    work: async (pid: number): Promise<boolean> => (await answer())?.has(pid) ?? false,
    /** Has the server end this one, as soon as it can be asked. */
    end(pid: number): void {
      ending.add(pid)
      if (ending.size === 1) void endAll()
    },
  }
}
