import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runServer, startServerProcess } from '../given-process.ts'
import { givenPerson, sendTo } from '../harness.ts'

// On the embedded database alone: what is tested is the data directory, and what keeps a server from starting.
let directory = ''
let env = { DATA_DIR: '', PORT: '0' }
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-start-'))
  env = { ...env, DATA_DIR: join(directory, 'data') }
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

/** A port that is free now. */
async function freePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

test('the keys are made once, for their owner alone, and a second start uses them again', async () => {
  const secrets = ['jwt-signing-key.pem', 'password-pepper'].map((name) => join(env.DATA_DIR, name))
  const read = () => Promise.all(secrets.map((path) => readFile(path, 'utf8')))
  const first = await startServerProcess([], { env })
  expect(await Promise.all([env.DATA_DIR, ...secrets].map(modeOf))).toEqual(['700', '600', '600'])
  const made = await read()
  const keys = await (await fetch(`${first.url}/.well-known/jwks.json`)).text()
  expect(await first.stop()).toMatchObject({ code: 0, stderr: '' })
  const second = await startServerProcess([], { env })
  expect(await read()).toEqual(made)
  expect(await (await fetch(`${second.url}/.well-known/jwks.json`)).text()).toBe(keys)
  expect(second.stdout()).not.toContain('migrations applied')
  await second.stop()
})

test('a second process on the same data directory is refused, and the first goes on', async () => {
  const first = await startServerProcess([], { env })
  const second = await runServer([], { env })
  expect(second).toMatchObject({ code: 1, stdout: '' })
  expect(second.stderr).toMatch(/^Another process \(\d+\) is using .*\n$/)
  expect(second.stderr).toContain(env.DATA_DIR)
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200)
  await first.stop()
})

test('after a process that was killed, the next one starts and finds its rows', async () => {
  const first = await startServerProcess([], { env })
  const { token } = await givenPerson({ send: (query, sending) => sendTo(first.url, query, sending) }, 'Engines')
  const pid = Number(await readFile(join(env.DATA_DIR, 'server.pid'), 'utf8'))
  process.kill(pid, 'SIGKILL')
  expect((await first.stop()).code).toBeNull()
  const second = await startServerProcess([], { env })
  const answer = await sendTo(second.url, '{ organization { name } }', { token })
  expect(answer).toMatchObject({ errors: [], data: { organization: { name: 'Engines' } } })
  await second.stop()
})

test('a key that others may read is not used', async () => {
  await (await startServerProcess([], { env })).stop()
  const key = join(env.DATA_DIR, 'jwt-signing-key.pem')
  await chmod(key, 0o644)
  const refused = await runServer([], { env })
  await chmod(key, 0o600)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain(key)
})

test('in production nothing is made up: the server ends with all that is missing, and never listens', async () => {
  const port = await freePort()
  const settings = { NODE_ENV: 'production', DATA_DIR: join(directory, 'production'), HOST: '127.0.0.1', PORT: port }
  let running = true
  const refused = runServer([], { env: settings }).finally(() => (running = false))
  const answers: Response[] = []
  while (running) {
    await fetch(`http://127.0.0.1:${port}/health/live`).then(
      (answer) => answers.push(answer),
      () => sleep(10),
    )
  }
  const { code, stdout, stderr } = await refused
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr.trimEnd().split('\n')).toEqual([
    'The configuration is not usable:',
    '  - DATABASE_URL: required in production',
    '  - JWT_SECRET, JWT_PRIVATE_KEY, JWT_PRIVATE_KEY_FILE or SIGNING_KEYS_ENCRYPTION_KEY: one is required in production',
    '  - PASSWORD_PEPPER: required in production',
    '  - API_KEY_HASH_KEY: required in production',
  ])
  expect(answers).toEqual([])
  expect(await readdir(directory)).not.toContain('production')
})

test.each(['short', 'change-me-change-me-change-me-change-me-change-me'])(
  'in production a secret such as %s is refused',
  async (secret) => {
    const good = 'kq3Yz0pXv8sLw1Rt6Ub9Nc4Ed7Fg2Hj5aMiOeQxS'
    const settings = {
      NODE_ENV: 'production',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere',
      PASSWORD_PEPPER: `${good}-p`,
      API_KEY_HASH_KEY: `${good}-k`,
      JWT_SECRET: secret,
    }
    const { code, stderr } = await runServer([], { env: settings })
    expect(code).toBe(1)
    expect(stderr).toMatch(/JWT_SECRET: .*(32 bytes|example)/)
    expect(stderr).not.toContain('must differ')
    expect(stderr).not.toContain(secret)
  },
)

test('a database that cannot be reached ends the start with a message', async () => {
  const unreachable = 'postgres://nobody@127.0.0.1:1/nowhere'
  const { code, stderr } = await runServer([], { env: { ...env, DATABASE_URL: unreachable } })
  expect(code).toBe(1)
  expect(stderr).toContain('127.0.0.1:1')
})

test('.env in the working directory is read', async () => {
  const file = join(directory, '.env')
  await writeFile(file, `DATA_DIR=${join(directory, 'from-file')}\nMAX_DEPTH=nothing\n`)
  const { code, stderr } = await runServer([], { cwd: directory })
  expect(code).toBe(1)
  expect(stderr).toContain('MAX_DEPTH')
})
