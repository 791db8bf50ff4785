import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { endOf, freePort, giveToPostgres, startPostgresProgram } from './programs.ts'

/** A PostgreSQL cluster of a test's own, to break. */
export interface Cluster {
  port: number
  start(): Promise<void>
  /** `fast` ends connections and shuts down in order; `immediate` crashes it: it recovers when it starts again. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  /** Runs statements as the superuser, directly. @returns the rows of the last one */
  run(sql: string, parameters?: unknown[]): Promise<Record<string, any>[]>
  /** A cluster that follows this one by streaming replication, started. */
  replica(): Promise<Cluster>
  /** Makes a replica a primary of its own. */
  promote(): Promise<void>
  /** How often its log says this. */
  said(words: string): number
  /** Stops it and removes its files. */
  remove(): Promise<void>
}

/** What makes a cluster small, quick to stop, and as safe as by default: what is acknowledged is on the disk. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '32MB',
  wal_level: 'replica',
  max_wal_senders: '4',
  hot_standby: 'on',
  deadlock_timeout: '200ms',
}

/** Starts a new cluster on a free port. */
export async function givenCluster(settings: Record<string, string> = {}): Promise<Cluster> {
  const folder = newFolder()
  const data = join(folder, 'data')
  const initdb = ['--pgdata', data, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync']
  await endOf(startPostgresProgram('initdb', initdb))
  const cluster = clusterIn(folder, await freePort(), settings)
  await cluster.start()
  return cluster
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-postgres-'))
  giveToPostgres(folder)
  return folder
}

const urlOf = (port: number) => `postgres://postgres@127.0.0.1:${port}/postgres`

async function run(port: number, sql: string, parameters?: unknown[]): Promise<Record<string, any>[]> {
  const client = new Client({ connectionString: urlOf(port), connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const result = await client.query<Record<string, any>>(sql, parameters)
    return [result].flat().at(-1)?.rows ?? []
  } finally {
    await client.end()
  }
}

/** Waits until it answers. @throws Error where it ends instead. */
async function untilReady(child: ChildProcess, port: number, log: { text: string }): Promise<void> {
  child.stderr?.on('data', (data: Buffer) => (log.text += data.toString()))
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL has ended:\n${log.text}`)
    try {
      await run(port, 'select 1')
      return
    } catch {
      await sleep(50)
    }
  }
}

function clusterIn(folder: string, port: number, settings: Record<string, string>): Cluster {
  const data = join(folder, 'data')
  const options = Object.entries({ ...SETTINGS, port: String(port), ...settings })
  const log = { text: '' }
  let child: ChildProcess | null = null

  async function stop(mode: 'fast' | 'immediate'): Promise<void> {
    const ending = child
    child = null
    if (ending?.exitCode !== null) return
    const closed = once(ending, 'close')
    ending.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await closed
  }
  return {
    port,
    async start() {
      const args = ['-D', data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
      child = startPostgresProgram('postgres', args)
      await untilReady(child, port, log)
    },
    stop,
    run: (sql, parameters) => run(port, sql, parameters),
    async replica() {
      const copy = newFolder()
      const source = ['--host=127.0.0.1', `--port=${port}`, '--username=postgres']
      const target = ['--pgdata', join(copy, 'data'), '-R', '--wal-method=stream', '--checkpoint=fast', '--no-sync']
      await endOf(startPostgresProgram('pg_basebackup', [...source, ...target]))
      const follower = clusterIn(copy, await freePort(), settings)
      await follower.start()
      return follower
    },
    async promote() {
      await run(port, 'select pg_promote(true, 30)')
    },
    said: (words) => log.text.split(words).length - 1,
    async remove() {
      await stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
