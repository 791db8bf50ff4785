import { deepStrictEqual, ok } from 'node:assert/strict'
import type { Contestant } from '../contestants.ts'
import { runNode } from '../processes.ts'
import type { Person, Seed } from '../seed.ts'
import type { Call, CaseId } from '../workloads.ts'
import { peerSettings } from './raw.contestant.ts'

/** What it gives to somebody who signs up with it. */
export interface Credentials {
  email: string
  userId: string
  cookie: string
  apiKey: string
  keyId: string
}

const program = new URL('./better-auth.ts', import.meta.url)

/** Its own users of the same number, made by its own API before the first round. */
const credentials = new WeakMap<Seed, Credentials[]>()

const settings = (seed: Seed) => ({ ...peerSettings(seed), BETTER_AUTH_SECRET: seed.secrets.jwt })

function call(asking: Partial<Call> & Pick<Call, 'path' | 'check'>): Call {
  return { method: 'GET', headers: {}, body: '', ...asking }
}

function session({ cookie, email }: Credentials): Call {
  return call({
    path: '/api/auth/get-session',
    headers: { Cookie: cookie },
    check: (answer) => deepStrictEqual((answer as { user?: { email: string } } | null)?.user?.email, email),
  })
}

function keyVerification({ apiKey, keyId }: Credentials): Call {
  return call({
    path: '/principal',
    headers: { 'X-Api-Key': apiKey },
    check: (answer) => deepStrictEqual((answer as { subject?: string }).subject, keyId),
  })
}

function login({ email, password }: Person): Call {
  return call({
    method: 'POST',
    path: '/api/auth/sign-in/email',
    headers: { 'Content-Type': 'application/json', Origin: 'http://localhost' },
    body: JSON.stringify({ email, password }),
    check: (answer) => ok((answer as { token?: string }).token),
  })
}

function callsOf(id: CaseId, seed: Seed): Call[] {
  const made = credentials.get(seed) ?? []
  if (id === 'W1') return made.map(session)
  if (id === 'W3') return made.map(keyVerification)
  return id === 'W4' ? seed.people.map(login) : []
}

/** Sessions and API keys alone: it is no GraphQL server. Passwords are hashed as it does by itself, with scrypt. */
export const betterAuth: Contestant = {
  name: 'better-auth',
  title: 'better-auth (not GraphQL)',
  program,
  settings,
  async prepare(seed) {
    const people = seed.people.map(({ email, password }) => ({ email, password }))
    const output = await runNode({ program, settings: settings(seed), args: ['--prepare', JSON.stringify(people)] })
    credentials.set(seed, JSON.parse(output.trim().split('\n').at(-1) ?? '') as Credentials[])
  },
  calls: async (id, seed) => callsOf(id, seed),
}
