import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { root, type Running } from '../given-process.ts'
import { SETTINGS } from '../harness.ts'
import { note } from './failure-table.ts'
import { givenInstance, givenPeople } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { pathOf } from './programs.ts'

const ROUNDS = 4
let cluster: Cluster
/** What the migrations make where nothing disturbs them. */
let undisturbed: string

beforeAll(async () => {
  cluster = await givenCluster()
  const url = await emptyDatabase('undisturbed')
  expect(await migrating(url).ended).toBe(0)
  undisturbed = await schemaOf(url)
  expect(undisturbed).toContain('CREATE POLICY')
})
afterAll(() => cluster?.remove())

async function emptyDatabase(name: string): Promise<string> {
  await cluster.run(`create database ${name}`)
  return `postgres://postgres@127.0.0.1:${cluster.port}/${name}`
}

/** `npm run migrate`, as a process of its own. */
function migrating(url: string) {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, ...SETTINGS, DATABASE_URL: url }
  const child = spawn(process.execPath, ['src/migrate.ts'], { cwd: root, env, stdio: 'ignore' })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { ended, kill: () => child.kill('SIGKILL') }
}

/** All that is defined in a database, as text. */
async function schemaOf(url: string): Promise<string> {
  const child = spawn(pathOf('pg_dump'), ['--schema-only', url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data: Buffer) => (text += data.toString()))
  await once(child, 'close')
  // Newer versions write a random word against injection.
  return text.replace(/^\\(un)?restrict .*$/gm, '')
}

/** Waits until the migrations of a database have changed something that they have not committed. */
async function untilInTheMidst(database: string): Promise<void> {
  const watching = new Client({ connectionString: `postgres://postgres@127.0.0.1:${cluster.port}/postgres` })
  await watching.connect()
  try {
    for (;;) {
      const sql = 'select 1 from pg_stat_activity where datname = $1 and backend_xid is not null'
      if ((await watching.query(sql, [database])).rowCount) return
      await sleep(1)
    }
  } finally {
    await watching.end()
  }
}

test('the migrations are killed on their way', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const database = `killed_${round}`
    const url = await emptyDatabase(database)
    const first = migrating(url)
    await untilInTheMidst(database)
    await sleep(round * 20)
    first.kill()
    // Had it ended by itself, nothing would have been killed.
    expect(await first.ended).toBeNull()
    expect(await migrating(url).ended).toBe(0)
    expect(await schemaOf(url)).toBe(undisturbed)
  }
  const failure = `kill -9 in the midst of the migrations' transaction, ${ROUNDS} times`
  const kept = 'the next run ends, and what it leaves is what an undisturbed one leaves'
  note('killed-migrations', { failure, saw: '', slowestMs: null, backMs: null, kept })
})

test('two instances migrate at once', async () => {
  const url = new URL(await emptyDatabase('shared'))
  const since = performance.now()
  const settings = { DATABASE_URL: url.href }
  const instances: Running[] = await Promise.all([1, 2].map(() => givenInstance(cluster.port, settings)))
  const ms = performance.now() - since
  try {
    for (const instance of instances) await givenPeople(instance, 1)
    expect(await schemaOf(url.href)).toBe(undisturbed)
  } finally {
    for (const instance of instances) expect(await instance.stop()).toMatchObject({ code: 0, stderr: '' })
  }
  const failure = `two instances start at once on an empty database, and serve after ${(ms / 1_000).toFixed(1)} s`
  note('two-migrating', { failure, saw: '', slowestMs: null, backMs: null, kept: 'one of them has migrated, once' })
})
