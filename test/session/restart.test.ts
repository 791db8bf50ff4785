import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createDatabase, expectError, givenPerson, POSTGRES_URL } from '../harness.ts'
import { at, logout, pairOf, refresh, stateOf, together } from './given-sessions.ts'

let directory: string
let database: { url: string; drop: () => Promise<void> } | null = null
const running = new Set<ChildProcess>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-'))
  database = POSTGRES_URL ? await createDatabase() : null
})
afterAll(async () => {
  await Promise.all([...running].map(kill))
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

/** A server in a process of its own, on what the one before it has left behind. */
async function start(settings: Record<string, string> = {}) {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: {
      PATH,
      HOME,
      TMPDIR,
      PORT: '0',
      DATA_DIR: directory,
      PASSWORD_HASH_COST: '4',
      RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE: '1000',
      ...(database && { DATABASE_URL: database.url }),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  let written = ''
  child.stdout.on('data', (chunk: Buffer) => void (written += chunk.toString()))
  while (child.exitCode === null) {
    const url = /GraphQL +(http:\S+)\/graphql/.exec(written)?.[1]
    if (url) return { ...at(url), kill: () => kill(child) }
    await sleep(20)
  }
  throw new Error(`The server has ended: ${written}`)
}

/** As the machine would: without a chance to tidy up. */
async function kill(child: ChildProcess): Promise<void> {
  running.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

test('a refresh that was answered outlives kill -9: replay revokes the session, also after the restart', async () => {
  const before = await start({ REFRESH_GRACE_SECONDS: '1' })
  const person = await givenPerson(before, null)
  const other = await givenPerson(before, null)
  const answers = await together(10, () => refresh(before, person.refreshToken))
  const next = pairOf(answers[0] ?? (await refresh(before, person.refreshToken)))
  await logout(before, other.token)
  await before.kill()

  const after = await start({ REFRESH_GRACE_SECONDS: '1' })
  expect(await stateOf(after, next.token)).toBe('ok')
  // Read from the table: nobody has notified this process.
  expect(await stateOf(after, other.token)).toBe('REVOKED')
  expectError(await refresh(after, other.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  await sleep(1_000)
  expectError(await refresh(after, person.refreshToken), 'UNAUTHENTICATED', 'REUSED')
  expect(await stateOf(after, next.token)).toBe('REVOKED')
  await after.kill()

  const last = await start()
  expect(await stateOf(last, next.token)).toBe('REVOKED')
  expectError(await refresh(last, next.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
  await last.kill()
}, 180_000)

test('within the window a client that was cut off by kill -9 gets its successor after the restart', async () => {
  const before = await start({ REFRESH_GRACE_SECONDS: '60' })
  const person = await givenPerson(before, null)
  const next = pairOf(await refresh(before, person.refreshToken))
  await before.kill()
  const after = await start({ REFRESH_GRACE_SECONDS: '60' })
  expect(pairOf(await refresh(after, person.refreshToken)).refreshToken).toBe(next.refreshToken)
  expect((await refresh(after, next.refreshToken)).errors).toEqual([])
  await after.kill()
}, 180_000)
