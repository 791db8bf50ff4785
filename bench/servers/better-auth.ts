import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { Pool } from 'pg'
import type { Credentials } from './better-auth.contestant.ts'

const { DATABASE_URL, BETTER_AUTH_SECRET, HOST, PORT } = process.env
const pool = new Pool({ connectionString: DATABASE_URL, max: 10, options: '-c search_path=better_auth' })

const options = {
  database: pool,
  secret: BETTER_AUTH_SECRET ?? '',
  baseURL: 'http://localhost',
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  plugins: [apiKey({ rateLimit: { enabled: false } })],
}
const auth = betterAuth(options)

interface Person {
  email: string
  password: string
}

/** Makes its tables, and somebody of its own for each of the people. */
async function prepare(people: readonly Person[]): Promise<Credentials[]> {
  await pool.query('create schema if not exists better_auth')
  const { runMigrations } = await getMigrations(options)
  await runMigrations()
  const made: Credentials[] = []
  for (const { email, password } of people) {
    const answer = await auth.api.signUpEmail({ body: { email, password, name: 'Ada' }, returnHeaders: true })
    const userId = answer.response.user.id
    const cookie = answer.headers.getSetCookie().map((text) => text.split(';')[0])
    const { id: keyId, key } = await auth.api.createApiKey({ body: { name: 'Bench', userId } })
    made.push({ email, userId, cookie: cookie.join('; '), apiKey: key, keyId })
  }
  return made
}

/** What an application makes of a key, as W3 asks for it. */
async function principal(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { valid, key } = await auth.api.verifyApiKey({ body: { key: String(request.headers['x-api-key']) } })
  const text = JSON.stringify({ kind: 'API_KEY', subject: key?.id })
  response.writeHead(valid ? 200 : 401, { 'Content-Type': 'application/json' }).end(text)
}

const asked = process.argv.indexOf('--prepare')
if (asked > 0) {
  console.log(JSON.stringify(await prepare(JSON.parse(process.argv[asked + 1] ?? '[]') as Person[])))
  await pool.end()
} else {
  const handle = toNodeHandler(auth)
  createServer((request, response) => {
    const answering = request.url === '/principal' ? principal(request, response) : handle(request, response)
    answering.catch((error: unknown) => response.writeHead(500).end(String(error)))
  }).listen(Number(PORT), HOST)
}
