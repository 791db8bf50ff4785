import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { createDatabase, expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { CREATE, givenApiKey, sendWithKey, UPDATE } from './given-api-key.ts'

const DAY_MS = 86_400_000
const login = `tenantry_test_${randomBytes(6).toString('hex')}`
const secret = () => randomBytes(32).toString('hex')

let database: { url: string; drop: () => Promise<void> }
let server: TestServer
let admin: Person

// As in production: the migration by the owner, and the server with a login of its own, made by it.
beforeAll(async () => {
  database = await createDatabase()
  const serving = new URL(database.url)
  serving.username = login
  serving.password = secret()
  const settings = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    MIGRATION_DATABASE_URL: database.url,
    PASSWORD_HASH_COST: '12',
    JWT_SECRET: secret(),
    PASSWORD_PEPPER: secret(),
    API_KEY_HASH_KEY: secret(),
    API_KEY_MAX_TTL_DAYS: '90',
  }
  server = await startServer({ settings, databaseUrl: serving.href })
  admin = await givenPerson(server)
})
afterAll(async () => {
  await server?.close()
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await client.query(`drop owned by ${login}`)
  await client.query(`drop role ${login}`)
  await client.end()
  await database.drop()
})

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()
const create = (input: Record<string, unknown>) =>
  server.send(CREATE, {
    token: admin.token,
    variables: { input: { name: 'A key', service: 'metabase', scopes: ['read:*'], ...input } },
  })

test('in production a key must expire, and within the time that the server allows', async () => {
  for (const expiresAt of [undefined, null, inDays(91)]) {
    const answer = await create({ expiresAt })
    expectError(answer, 'BAD_USER_INPUT')
    expect(answer.errors[0]?.extensions.inputs).toMatchObject([{ path: ['input', 'expiresAt'] }])
  }
  const { id, secret: key } = await givenApiKey(server, admin, { expiresAt: inDays(89) })
  expect(key).toMatch(/^tk_live_/)
  expect((await sendWithKey(server, key)).errors).toEqual([])
  for (const expiresAt of [null, inDays(91)]) {
    const answer = await server.send(UPDATE, { token: admin.token, variables: { input: { id, expiresAt } } })
    expectError(answer, 'BAD_USER_INPUT')
  }
})
