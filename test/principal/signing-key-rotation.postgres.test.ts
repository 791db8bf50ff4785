import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  createDatabase,
  givenPerson,
  PASSWORD,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { operatorOfKeys } from './given-key-command.ts'
import { withoutChannel } from './given-channel.ts'
import { givenClock, publishSeconds, sharedKeySettings } from './given-signing-keys.ts'
import { jsonOf, partsOf } from './given-tokens.ts'

const ttlSeconds = 1_800
const time = givenClock(Date.now())

let database: { url: string; drop: () => Promise<void> }
let here: TestServer
let there: TestServer
let person: Person
const keysOf = () => operatorOfKeys(here, time.clock)

beforeAll(async () => {
  database = await createDatabase()
  const starting = { settings: sharedKeySettings, clock: time.clock, databaseUrl: database.url }
  const servers = await Promise.all([startServer(starting), startServer(starting)])
  ;[here, there] = servers
  person = await givenPerson(here)
})
afterAll(async () => {
  await here?.close()
  await there?.close()
  await database?.drop()
})

const kidOf = (token: string) => String(jsonOf(partsOf(token)[0]).kid)
const both = () => [here, there] as const

async function keySetOf(server: TestServer): Promise<string[]> {
  const answer = await fetch(`${server.url}/.well-known/jwks.json`)
  return ((await answer.json()) as { keys: { kid: string }[] }).keys.map((key) => key.kid)
}

async function signIn(server: TestServer): Promise<string> {
  const answer = await server.send(
    'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }',
    { variables: { input: { email: person.email, password: PASSWORD } } },
  )
  expect(answer.errors).toEqual([])
  return answer.data.login.accessToken as string
}

const ask = (server: TestServer, token: string): Promise<Answer> => server.send('{ principal { kind } }', { token })

test('two instances that start at once on an empty database make one key', async () => {
  const [first, second] = [await keySetOf(here), await keySetOf(there)]
  expect(first).toHaveLength(1)
  expect(second).toEqual(first)
  expect([kidOf(await signIn(here)), kidOf(await signIn(there))]).toEqual([...first, ...first])
})

interface Held {
  token: string
  kid: string
  /** By the moved clock, in milliseconds. */
  expiresAt: number
}

/** Clients of both instances, which sign in at either and present what they have to both, until they are told to stop. */
function startLoad() {
  const held: Held[] = []
  const counts = { asked: 0, signedIn: 0 }
  let stopping = false

  async function issue(server: TestServer): Promise<void> {
    const published = await Promise.all(both().map(keySetOf))
    const expiresAt = time.now() + ttlSeconds * 1_000
    const token = await signIn(server)
    const kid = kidOf(token)
    // What was published on both before anybody asked for the token.
    for (const keySet of published) expect(keySet).toContain(kid)
    held.push({ token, kid, expiresAt })
    counts.signedIn += 1
  }
  async function present(): Promise<void> {
    const living = held.filter(({ expiresAt }) => expiresAt > time.now() + 120_000)
    const some = [living[0], living.at(-1), living[Math.floor(Math.random() * living.length)]]
    const asked = some
      .filter((one) => one !== undefined)
      .flatMap(({ token }) => both().map((server) => ask(server, token)))
    for (const answer of await Promise.all(asked)) expect(answer.errors).toEqual([])
    counts.asked += asked.length
  }
  async function client(server: TestServer): Promise<void> {
    while (!stopping) {
      await issue(server)
      for (let round = 0; round < 5; round += 1) await present()
    }
  }
  const clients = Promise.all([client(here), client(there)])
  return {
    held,
    counts,
    async stop() {
      stopping = true
      await clients
    },
  }
}

test('no live token fails on either instance, from before a rotation until its old key has gone', async () => {
  const [old = ''] = await keySetOf(here)
  const load = startLoad()
  const step = async (seconds: number) => {
    time.pass(seconds)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  for (let steps = 0; steps < 5; steps += 1) await step(10)
  const next = await keysOf().rotate()
  for (let passed = 0; passed <= publishSeconds; passed += 30) await step(30)
  expect(load.held.map(({ kid }) => kid)).toContain(old)
  for (let passed = 0; passed <= ttlSeconds + 120; passed += 60) {
    const keySets = await Promise.all(both().map(keySetOf))
    const last = Math.max(...load.held.filter(({ kid }) => kid === old).map(({ expiresAt }) => expiresAt))
    if (keySets.some((kids) => !kids.includes(old))) expect(time.now()).toBeGreaterThan(last)
    await step(60)
  }
  await load.stop()
  expect(await keySetOf(here)).toEqual([next])
  expect(await keySetOf(there)).toEqual([next])
  expect(new Set(load.held.map(({ kid }) => kid))).toEqual(new Set([old, next]))
  expect(load.counts.asked).toBeGreaterThan(200)
})

async function msUntilRefused(server: TestServer, token: string): Promise<number> {
  const start = performance.now()
  for (;;) {
    const { errors } = await ask(server, token)
    if (errors.length > 0) {
      expect(errors[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'INVALID' })
      return performance.now() - start
    }
    if (performance.now() - start > 5_000) throw new Error('not refused within 5 s')
  }
}

test('a revoked key ends its tokens on both within a second, and new ones are accepted by both', async () => {
  const token = await signIn(here)
  await keysOf().revoke(kidOf(token))
  for (const server of both()) expect(await msUntilRefused(server, token)).toBeLessThan(1_000)
  const [one, other] = [await signIn(here), await signIn(there)]
  expect(kidOf(one)).not.toBe(kidOf(token))
  for (const server of both()) for (const next of [one, other]) expect((await ask(server, next)).errors).toEqual([])
})

test('with the channel cut, a revoked key ends its tokens on both within a second all the same', async () => {
  const token = await signIn(here)
  await withoutChannel(database.url, async () => {
    for (const server of both()) expect((await ask(server, token)).errors).toEqual([])
    await keysOf().revoke(kidOf(token))
    for (const server of both()) expect(await msUntilRefused(server, token)).toBeLessThan(1_000)
  })
})
