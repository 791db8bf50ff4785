import { createPublicKey, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { root, run } from '../given-process.ts'
import { createDatabase, givenPerson, POSTGRES_URL, startServer, type TestServer } from '../harness.ts'
import { sharedKeySettings } from './given-signing-keys.ts'
import { jsonOf, partsOf, rsaPem } from './given-tokens.ts'

const KID = /^[\w-]{43}$/

let directory: string
let database: { url: string; drop: () => Promise<void> } | null = null

/** What the program and the servers have in common: the embedded database serves one at a time. */
const settings = () => ({ ...sharedKeySettings, DATA_DIR: directory, ...(database && { DATABASE_URL: database.url }) })
const start = (others: Record<string, string> = {}, clock?: () => Date): Promise<TestServer> =>
  startServer({ settings: { ...settings(), ...others }, databaseUrl: database?.url, ...(clock && { clock }) })

/** Everything that the program has written, in all runs. */
const written: string[] = []
async function keys(args: string[], others: Record<string, string> = {}) {
  const ended = await run(process.execPath, [join(root, 'src/signing-keys-command.ts'), ...args], {
    env: { ...settings(), LOG_LEVEL: 'debug', ...others },
    cwd: directory,
  })
  written.push(ended.stdout, ended.stderr)
  return ended
}

interface Listed {
  kid: string
  state: string
}
const list = async () => {
  const { code, stdout } = await keys(['list'])
  expect(code).toBe(0)
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Listed]))
}
const states = async () => (await list()).map(({ kid, state }) => [kid, state])

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-signing-'))
  database = POSTGRES_URL ? await createDatabase() : null
})
afterAll(async () => {
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

let first = ''
let second = ''

test('rotate on an empty database makes the key that the server then signs with', async () => {
  const { code, stdout, stderr } = await keys(['rotate'])
  first = stdout.trimEnd()
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${first}\n` })
  expect(first).toMatch(KID)
  expect(stderr).toContain(`${first} is published and signs from 20`)
  const server = await start()
  const { token } = await givenPerson(server)
  expect(jsonOf(partsOf(token)[0])).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: first })
  await server.close()
})

test('another library verifies a token by the published key set alone, before, while and after it is rotated', async () => {
  second = (await keys(['rotate'])).stdout.trimEnd()
  let aheadMs = 0
  const server = await start({}, () => new Date(Date.now() + aheadMs))
  const keySet = createRemoteJWKSet(new URL(`${server.url}/.well-known/jwks.json`))
  const verify = async (token: string) => {
    const { issuer } = server.app.services.config.tokens
    const options = { issuer, audience: 'tenantry', typ: 'at+jwt', algorithms: ['RS256'] }
    const currentDate = new Date(Date.now() + aheadMs)
    return (await jwtVerify(token, keySet, { ...options, currentDate })).protectedHeader.kid
  }
  const { token } = await givenPerson(server)
  expect(await verify(token)).toBe(first)
  aheadMs = 601_000
  const { token: later } = await givenPerson(server)
  expect([await verify(token), await verify(later)]).toEqual([first, second])
  const published = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as { keys: object[] }
  expect(published.keys).toHaveLength(2)
  for (const key of published.keys) {
    expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    expect(key).toMatchObject({ alg: 'RS256', use: 'sig', kid: expect.stringMatching(KID) })
  }
  await server.close()
  expect(await states()).toEqual([
    [first, 'signing'],
    [second, 'published'],
  ])
})

test('a second rotation before the first has come into force is refused', async () => {
  const { code, stdout, stderr } = await keys(['rotate'])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/is published already, and signs from 20/)
})

test('revoke ends a key, and what takes over is written', async () => {
  const { code, stdout, stderr } = await keys(['revoke', first])
  expect([code, stdout]).toEqual([0, `${second}\n`])
  expect(stderr).toContain(`${first} is revoked`)
  expect(await states()).toEqual([
    [first, 'revoked'],
    [second, 'signing'],
  ])
})

test('public writes the public half in PEM', async () => {
  const { code, stdout } = await keys(['public', second])
  expect(code).toBe(0)
  expect(createPublicKey(stdout).asymmetricKeyDetails?.modulusLength).toBe(2048)
  const unknown = await keys(['public', 'nothing'])
  expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([1, '', 'There is no signing key nothing\n'])
})

test('a server with the wrong encryption key does not start, and changes nothing', async () => {
  const before = await list()
  const wrong = { SIGNING_KEYS_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  await expect(start(wrong)).rejects.toThrow(/does not open with SIGNING_KEYS_ENCRYPTION_KEY/)
  const { code, stdout, stderr } = await keys(['rotate'], wrong)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('does not open with SIGNING_KEYS_ENCRYPTION_KEY')
  expect(await list()).toEqual(before)
})

test('without the encryption key the program says so', async () => {
  const { code, stderr } = await keys(['list'], { SIGNING_KEYS_ENCRYPTION_KEY: '' })
  expect(code).toBe(1)
  expect(stderr).toContain('SIGNING_KEYS_ENCRYPTION_KEY is not set')
})

test.each([
  [],
  ['list', 'more'],
  ['revoke'],
  ['revoke', 'a', 'b'],
  ['rotate', '--encryption-key-lost'],
  ['constructor'],
])('the arguments %j are refused with how it is used', async (...args) => {
  const { code, stdout, stderr } = await keys(args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('npm run --silent keys:signing')
})

test('moving to the database: a key file that signed before still verifies, and JWT_SECRET is refused beside it', async () => {
  const file = join(directory, 'old.pem')
  await writeFile(file, rsaPem(), { mode: 0o600 })
  const before = await start({ SIGNING_KEYS_ENCRYPTION_KEY: '', JWT_PRIVATE_KEY_FILE: file })
  const { token } = await givenPerson(before)
  await before.close()
  const after = await start({ JWT_VERIFICATION_KEY_FILES: file })
  expect((await after.send('{ principal { kind } }', { token })).errors).toEqual([])
  const published = (await (await fetch(`${after.url}/.well-known/jwks.json`)).json()) as { keys: object[] }
  expect(published.keys).toHaveLength(2)
  await after.close()
  const secret = randomBytes(32).toString('base64')
  await expect(start({ JWT_SECRET: secret })).rejects.toThrow(
    /SIGNING_KEYS_ENCRYPTION_KEY: with it the keys are in the/,
  )
  await expect(start({ JWT_VERIFICATION_KEY_FILES: join(root, 'package.json') })).rejects.toThrow(
    'The signing keys are not usable: JWT_VERIFICATION_KEY_FILES, key 1: not a key in PEM',
  )
})

test('a given key file that others may read is told by its name', async () => {
  const file = join(directory, 'given.pem')
  await writeFile(file, rsaPem(), { mode: 0o600 })
  const given = { SIGNING_KEYS_ENCRYPTION_KEY: '', JWT_PRIVATE_KEY_FILE: file }
  const told = async () => {
    const server = await start(given)
    await server.close()
    return server.logged.some((line) => line.includes('others may read') && line.includes(file))
  }
  expect(await told()).toBe(false)
  await chmod(file, 0o640)
  expect(await told()).toBe(true)
})

test('nothing that the program has written is of a private key', () => {
  const all = written.join('\n')
  expect(all).toContain(first)
  expect(all).not.toMatch(/PRIVATE KEY|"(d|p|q|dp|dq|qi|privateKey)"|v1\.[\w-]{20}/)
  expect(all).not.toContain(sharedKeySettings.SIGNING_KEYS_ENCRYPTION_KEY)
})
