import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { root, run } from '../given-process.ts'
import {
  createDatabase,
  expectError,
  givenPerson,
  POSTGRES_URL,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { PROJECTS, sendWithKey } from './given-api-key.ts'

const SECRET = /^tk_test_[0-9A-Za-z]{49}$/

let directory: string
let database: { url: string; drop: () => Promise<void> } | null = null
let admin: Person

/** What the program and the server before and after it have in common: the embedded database serves one at a time. */
const settings = () => ({
  DATA_DIR: directory,
  API_KEY_HASH_KEY: '',
  ...(database && { DATABASE_URL: database.url }),
})
const start = (): Promise<TestServer> => startServer({ settings: settings(), databaseUrl: database?.url })
const keys = (...args: string[]) =>
  run(process.execPath, ['src/keys.ts', ...args], { env: { ...settings(), LOG_LEVEL: 'debug' } })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-'))
  database = POSTGRES_URL ? await createDatabase() : null
  const server = await start()
  admin = await givenPerson(server, 'Acme')
  await server.close()
})
afterAll(async () => {
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

test('create writes the secret to stdout and nothing else; the key works', async () => {
  const named = ['--name', 'Metabase Analytics', '--service', 'metabase', '--scopes', 'read:projects, read:gateways']
  const { code, stdout, stderr } = await keys('create', '--organization', 'acme', ...named, '--expires-in-days', '30')
  expect(code).toBe(0)
  const [secret, ...others] = stdout.split('\n')
  expect(secret).toMatch(SECRET)
  expect(others).toEqual([''])
  expect(stderr).toContain('metabase: Metabase Analytics')
  expect(stderr).not.toContain(secret)
  const server = await start()
  expect((await sendWithKey(server, secret!)).errors).toEqual([])
  const { data } = await server.send(
    `{ apiKeys { nodes { name service scopes expiresAt createdBy { id } } }
       auditEvents(filter: { action: "api_key.created" }) { nodes { actorKind targetType userAgent } } }`,
    { token: admin.token },
  )
  await server.close()
  expect(data).toEqual({
    apiKeys: {
      nodes: [
        {
          name: 'Metabase Analytics',
          service: 'metabase',
          scopes: ['read:projects', 'read:gateways'],
          expiresAt: expect.any(String),
          createdBy: null,
        },
      ],
    },
    auditEvents: { nodes: [{ actorKind: null, targetType: 'ApiKey', userAgent: 'command line' }] },
  })
})

test('import makes the keys of the example file, by slug or id of the organization', async () => {
  const { code, stdout } = await keys('import', `${root}docs/keys.example.yml`, '--organization', admin.organizationId)
  expect(code).toBe(0)
  const secrets = stdout.trimEnd().split('\n')
  expect(secrets).toEqual([expect.stringMatching(SECRET), expect.stringMatching(SECRET), expect.stringMatching(SECRET)])
  const server = await start()
  const create = 'mutation { createProject(input: { name: "p" }) { project { id } } }'
  const [budibase, n8n, metabase] = secrets as [string, string, string]
  expect((await sendWithKey(server, budibase, create)).errors).toEqual([])
  expectError(await sendWithKey(server, n8n, create), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expectError(await sendWithKey(server, metabase, create), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  for (const secret of secrets) expect((await sendWithKey(server, secret, PROJECTS)).errors).toEqual([])
  await server.close()
})

test('one bad key in a file: none is made, and stdout stays empty', async () => {
  const file = join(directory, 'keys.yml')
  const example = await readFile(`${root}docs/keys.example.yml`, 'utf8')
  await writeFile(file, example.replaceAll('read:gateways', 'read:secrets'))
  const { code, stdout, stderr } = await keys('import', file)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('known are read:gateways, read:projects, write:gateways, write:projects')
  const server = await start()
  const { data } = await server.send('{ apiKeys { totalCount } }', { token: admin.token })
  await server.close()
  expect(data).toEqual({ apiKeys: { totalCount: 4 } })
})

test.each([
  [['create'], 'name'],
  [['create', 'extra', '--name', 'n'], 'npm run --silent keys'],
  [['import'], 'npm run --silent keys'],
  [['revoke'], 'npm run --silent keys'],
  [[], 'npm run --silent keys'],
  [['create', '--secret', 'x'], '--secret'],
  [['create', '--name', 'n', '--service', 's', '--scopes', 'read:*'], 'organization'],
  [['create', '--name', 'n', '--service', 's', '--scopes', 'read:*', '--expires-in-days', '0'], 'expiresInDays'],
  [['create', '--organization', 'nobody', '--name', 'n', '--service', 's', '--scopes', 'read:*'], 'nobody not found'],
])('%j is refused with what is wrong with it', async (args, told) => {
  const { code, stdout, stderr } = await keys(...args)
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(told)
})
