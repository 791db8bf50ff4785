import { readdir } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { runServer } from '../given-process.ts'
import { createDatabase, POSTGRES_URL, SETTINGS } from '../harness.ts'
import { eventually, givenWorkers, linesOf, type Workers } from './given-workers.ts'

let server: Workers | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const READY = /Tenantry is ready/g
const TYPENAME = '{ __typename }'
const ask = (times: number) => Promise.all(Array.from({ length: times }, () => server!.send(TYPENAME)))
const placesOf = async (answers: Awaited<ReturnType<typeof ask>>) =>
  new Set(await Promise.all(answers.map((answer) => server!.workerOf(answer))))
const readyLines = (place: number) => server!.log().filter(({ msg, worker }) => msg === 'ready' && worker === place)

test('the primary migrates and makes the secrets, once, serves nothing, and tells once that all workers listen', async () => {
  server = await givenWorkers({ WORKERS: '3' })
  const log = server.log()
  expect(log.filter(({ msg }) => msg === 'migrations applied').map(({ worker }) => worker)).toEqual([undefined])
  expect(new Set(log.filter(({ msg }) => msg === 'ready').map(({ worker }) => worker))).toEqual(new Set([1, 2, 3]))
  expect(log.at(-1)).toMatchObject({ msg: 'all workers are ready', workers: 3, address: server.url })
  expect(server.stdout().match(READY)).toHaveLength(1)
  const answers = await ask(12)
  expect(await placesOf(answers)).toEqual(new Set([1, 2, 3]))
})

test('secrets that nobody has given are the same for all workers', async () => {
  server = await givenWorkers({ JWT_SECRET: '', PASSWORD_PEPPER: '', API_KEY_HASH_KEY: '' })
  expect((await readdir(server.directory)).sort()).toEqual([
    'api-key-hash-key',
    'jwt-signing-key.pem',
    'password-pepper',
  ])
  const keys = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const headers = { connection: 'close' }
      return (await fetch(`${server!.url}/.well-known/jwks.json`, { headers })).text()
    }),
  )
  expect(new Set(keys).size).toBe(1)
})

test('a worker that is killed is replaced, and requests go on meanwhile and afterwards', async () => {
  server = await givenWorkers()
  const first = server.pids().get(1)!
  process.kill(first, 'SIGKILL')
  await eventually(() => server!.log().find(({ msg }) => msg === 'a worker has ended'))
  const meanwhile = await ask(20)
  expect(meanwhile.map(({ status }) => status)).toEqual(Array(20).fill(200))
  await eventually(() => (readyLines(1).length === 2 ? true : undefined))
  const after = await ask(20)
  expect(after.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(await placesOf(after)).toEqual(new Set([1, 2]))
  expect(server.pids().get(1)).not.toBe(first)
  expect(server.stdout().match(READY)).toHaveLength(1)
  expect((await server.stop()).code).toBe(0)
})

test('a worker that alone is asked to end finishes what it is at, and is replaced', async () => {
  server = await givenWorkers()
  process.kill(server.pids().get(2)!, 'SIGTERM')
  await eventually(() => (readyLines(2).length === 2 ? true : undefined))
  expect(server.log().find(({ msg }) => msg === 'a worker has ended')).toMatchObject({ worker: 2, code: 0 })
  expect(await placesOf(await ask(20))).toEqual(new Set([1, 2]))
})

test('a worker that cannot start any more, several times in a row, ends the server with an error', async () => {
  server = await givenWorkers()
  const owner = new Client({ connectionString: POSTGRES_URL })
  await owner.connect()
  const name = new URL(server.databaseUrl).pathname.slice(1)
  await owner.query(`alter database ${name} allow_connections false`)
  await owner.end()
  process.kill(server.pids().get(1)!, 'SIGKILL')
  const { code, stderr } = await server.ended
  expect(code).toBe(1)
  expect(stderr.match(/is not currently accepting connections/g)).toHaveLength(7)
  const log = server.log()
  expect(log.filter(({ restartMs }) => restartMs !== undefined).map(({ restartMs }) => restartMs)).toEqual([
    ...[100, 200, 400, 800, 1_600, 3_200, 6_400],
  ])
  expect(log.filter(({ msg }) => msg === 'stopped')).toMatchObject([{ worker: 2 }])
})

test('a server whose workers cannot start ends at once, and says why', async () => {
  const database = await createDatabase()
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const env = { ...SETTINGS, DATABASE_URL: database.url, WORKERS: '2', PORT: String(port) }
  const { code, stdout, stderr } = await runServer([], { env })
  expect(code).toBe(1)
  expect(stderr).toContain('EADDRINUSE')
  expect(stdout).not.toMatch(READY)
  expect(linesOf(stdout).filter(({ msg }) => msg === 'a worker has ended')).toEqual([])
  taken.close()
  await database.drop()
})
