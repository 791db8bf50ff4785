import { Client } from 'pg'
import type { Logger } from 'pino'
import type { Listener, Listening } from './database.ts'

const HEARTBEAT_MS = 1_000
const REPLY_MS = 2_000
const RETRY_MS = 500
const CONNECTION = {
  application_name: 'tenantry listener',
  connectionTimeoutMillis: REPLY_MS,
  query_timeout: REPLY_MS,
  keepAlive: true,
}

/** A listener that can make sure of what it has heard. */
export interface SureListener extends Listener {
  /** Resolves when all that was committed and notified before has been heard, or the listener does not count as live. */
  hear(): Promise<void>
}

const asError = (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown)))

function newSession(url: string, { onMessage }: Listening, lost: (session: Client, error: Error) => void): Client {
  const session = new Client({ ...CONNECTION, connectionString: url })
  session.on('error', (error) => lost(session, error))
  session.on('end', () => lost(session, new Error('the connection was closed')))
  session.on('notification', (message) => onMessage(message.payload ?? ''))
  return session
}

/** Ends a session; on a half-open connection the goodbye is never answered. */
async function sayGoodbye(session: Client): Promise<void> {
  const patience = setTimeout(() => session.connection.stream.destroy(), REPLY_MS)
  await session.end().catch(() => {})
  clearTimeout(patience)
}

/**
 * Listens to a channel on a connection of its own, for as long as the process runs. A connection that breaks, or does not
 * answer the heartbeat, counts as not live at once and is made anew until it is back.
 */
export async function listenOn(url: string, channel: string, listening: Listening, log: Logger): Promise<SureListener> {
  let client: Client | null = null
  let live = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = newSession(url, listening, lost)
    client = next
    await next.connect()
    await next.query(`listen ${channel}`)
    // In this order: what is notified while the past is read is heard, so nothing falls between the two.
    await listening.onConnected()
    if (client !== next) throw new Error('the connection was lost while catching up')
    live = true
  }
  function lost(which: Client, error: Error): void {
    if (stopped || which !== client) return
    if (live) log.warn({ err: error, channel }, 'listening to the database was interrupted')
    live = false
    client = null
    // Without a goodbye, which on a half-open connection is never answered.
    which.connection.stream.destroy()
    schedule(RETRY_MS)
  }
  async function beat(): Promise<void> {
    const current = client
    try {
      if (current) await current.query('select 1')
      else {
        await connect()
        log.info({ channel }, 'listening to the database again')
      }
      schedule(HEARTBEAT_MS)
    } catch (error) {
      const failed = current ?? client
      if (failed) lost(failed, asError(error))
      else schedule(RETRY_MS)
    }
  }
  function schedule(delayMs: number): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(() => void beat(), delayMs).unref()
  }

  async function hear(): Promise<void> {
    const current = client
    if (!live || !current) return
    // PostgreSQL has told a session of what was committed before it says that a later statement of it is done.
    await current.query('select 1').catch((error: unknown) => lost(current, asError(error)))
  }

  async function stop(): Promise<void> {
    stopped = true
    live = false
    clearTimeout(timer)
    if (client) await sayGoodbye(client)
  }

  await connect().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  schedule(HEARTBEAT_MS)
  return { isLive: () => live, hear, stop }
}
