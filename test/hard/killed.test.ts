import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import type { Running } from '../given-process.ts'
import { PASSWORD, type Person } from '../harness.ts'
import { at } from '../session/given-sessions.ts'
import { note, type Failure } from './failure-table.ts'
import { databaseUrl, givenInstance, givenPeople } from './given-instance.ts'
import { givenCluster, type Cluster } from './given-postgres.ts'
import { isServed, sawOf, see, slowestOf, type Seen } from './load.ts'
import { givenTcpProxy } from './tcp-proxy.ts'

const ROUNDS = 6
const AT_ONCE = 6
const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) { accessToken user { id } } }`
const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) { accessToken } }`
const REFRESH = 'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken refreshToken } }'
const ROTATE = `mutation ($id: ID!) {
  rotateApiKey(input: { id: $id, overlapSeconds: 3600 }) { secret apiKey { id } }
}`

/** On a machine that does other things as well, an instance takes longer than the default to start. */
const SETTINGS = { REFRESH_GRACE_SECONDS: '120' }

let cluster: Cluster
let server: Running
let people: Person[]

beforeAll(async () => {
  cluster = await givenCluster()
  server = await givenInstance(cluster.port, SETTINGS)
  people = await givenPeople(server, 2)
})
afterAll(async () => {
  await server?.stop()
  await cluster?.remove()
})

/** What a request was about, and what its client saw. */
interface Try<Subject> {
  subject: Subject
  seen: Seen & { data: any }
}

/** Waits until a transaction has changed rows of a table and has not ended yet, or all is over. */
async function untilInTheMidst(table: string, all: Promise<unknown>): Promise<void> {
  const over = { is: false }
  void all.then(() => (over.is = true))
  const watching = new Client({ connectionString: databaseUrl(cluster.port) })
  await watching.connect()
  try {
    const sql = `select 1 from pg_locks where relation = $1::regclass and mode = 'RowExclusiveLock' and granted`
    while (!over.is && !(await watching.query(sql, [table])).rowCount) await sleep(1)
  } finally {
    await watching.end()
  }
}

/** Waits until one more of them has been made, for whoever looks from outside. */
async function untilMade(made: string): Promise<void> {
  const watching = new Client({ connectionString: databaseUrl(cluster.port) })
  await watching.connect()
  try {
    const count = async () => Number((await watching.query(made)).rows[0]?.n)
    const before = await count()
    while ((await count()) === before) await sleep(1)
  } finally {
    await watching.end()
  }
}

/** What is tried while the server is killed. */
interface Trying<Subject> {
  /** The table that its transaction changes. */
  table: string
  /** Counts, as `n`, what has been made. */
  made: string
  prepare: () => Promise<Subject>
  send: (subject: Subject, url: string) => Promise<Seen & { data: any }>
  check: (tried: readonly Try<Subject>[]) => Promise<void>
}

/** How long an answer is on its way, where the server is killed meanwhile. */
const ON_ITS_WAY_MS = 150

/**
 * Sends requests at once, kills the server while it works on them, and starts it again; round by round. It is killed in the
 * midst of a transaction that changes `table`; or when the first request has been answered and the others are on their way; or
 * when a transaction is committed whose answer has not arrived.
 */
async function killDuring<Subject>({ table, made, prepare, send, check }: Trying<Subject>): Promise<Seen[]> {
  const all: Seen[] = []
  const proxy = await givenTcpProxy(Number(new URL(server.url).port))
  const url = `http://127.0.0.1:${proxy.port}`
  const sendAll = async () => {
    const subjects: Subject[] = []
    for (let made = 0; made < AT_ONCE; made += 1) subjects.push(await prepare())
    return () => subjects.map(async (subject) => ({ subject, seen: await send(subject, url) }))
  }
  // A server that has just started takes its time for the first ones.
  await Promise.all((await sendAll())())
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = await sendAll()
    const isLate = round % 3 === 2
    proxy.delay(isLate ? ON_ITS_WAY_MS : 0)
    const committed = isLate ? untilMade(made) : null
    // It has counted what was there before.
    if (committed) await sleep(50)
    const sending = start()
    await (committed ?? (round % 3 === 0 ? untilInTheMidst(table, Promise.all(sending)) : Promise.race(sending)))
    if (isLate) proxy.cut()
    await server.kill()
    const tried = await Promise.all(sending)
    server = await givenInstance(cluster.port, SETTINGS)
    proxy.leadTo(Number(new URL(server.url).port))
    proxy.delay(0)
    await check(tried)
    all.push(...tried.map(({ seen }) => seen))
  }
  await proxy.close()
  expect(all.filter((one) => !isServed(one)).length).toBeGreaterThan(0)
  for (const { outcome } of all) expect(['200', 'no answer']).toContain(outcome)
  return all
}

const noteOf = (name: Failure, during: string, seen: readonly Seen[], kept: string): void => {
  const failure = `kill -9 during ${during}, ${ROUNDS} times`
  note(name, { failure, saw: sawOf(seen), slowestMs: slowestOf(seen), backMs: null, kept })
}

/** Everything of a registration that is there by half. */
const HALF_REGISTERED = `
  select u.email from users u
    left join passwords p on p.user_id = u.id
    left join memberships m on m.user_id = u.id
    left join organizations o on o.id = m.organization_id
    left join sessions s on s.user_id = u.id
    left join audit_events a on a.action = 'user.registered' and a.target_id::text = u.id::text
  where p.id is null or m.id is null or o.id is null or s.id is null or a.id is null
  union all
  select o.slug from organizations o left join memberships m on m.organization_id = o.id where m.id is null
  union all
  select a.target_id::text from audit_events a left join users u on u.id::text = a.target_id::text
  where a.action = 'user.registered' and u.id is null`

/** How many of what was asked for was made, and yet not answered: the kill fell between the two. */
const unanswered = (made: number) => `${made} were made and not answered`

test('the server is killed during register', async () => {
  let made = 0
  const seen = await killDuring({
    table: 'users',
    made: 'select count(*) as n from users',
    prepare: async () => `${randomUUID()}@example.test`,
    send: (email, url) =>
      see(url, REGISTER, { variables: { input: { email, password: PASSWORD, organizationName: 'Killed' } } }),
    check: async (tried) => {
      expect(await cluster.run(HALF_REGISTERED)).toEqual([])
      for (const { subject: email, seen } of tried) {
        const [user] = await cluster.run('select id from users where email = $1', [email])
        if (isServed(seen)) expect(user).toBeDefined()
        else if (user) made += 1
        const { outcome } = await see(server.url, LOGIN, { variables: { input: { email, password: PASSWORD } } })
        expect(outcome).toBe(user ? '200' : '401 UNAUTHENTICATED')
      }
    },
  })
  expect(made).toBeGreaterThan(0)
  noteOf(
    'killed-register',
    'register',
    seen,
    `each account whole or not there at all; ${unanswered(made)}, and can sign in`,
  )
})

test('the server is killed during refresh', async () => {
  const [person] = people as [Person]
  const login = async (): Promise<string> => {
    const input = { email: person.email, password: PASSWORD }
    const { data } = await see(server.url, `mutation ($input: LoginInput!) { login(input: $input) { refreshToken } }`, {
      variables: { input },
    })
    return data.login.refreshToken
  }
  const renew = (token: string, url = server.url) => see(url, REFRESH, { variables: { token } })
  const check = async (tried: readonly Try<string>[]) => {
    for (const { subject: token, seen } of tried) {
      // Whoever got no answer asks again with what they have, and nobody is taken for a thief.
      const again = await renew(isServed(seen) ? seen.data.refresh.refreshToken : token)
      expect(again.outcome).toBe('200')
    }
    const reused = await cluster.run(`select id from audit_events where action = 'session.reuse_detected'`)
    expect(reused).toEqual([])
  }
  const made = 'select count(*) as n from sessions where rotated_at is not null'
  const seen = await killDuring({ table: 'sessions', made, prepare: login, send: renew, check })
  noteOf(
    'killed-refresh',
    'refresh',
    seen,
    'every session; the token in hand renews it, and nobody is taken for a thief',
  )
})

/** A rotation that is there by half. */
const HALF_ROTATED = `
  select k.id from api_keys k
    left join audit_events a on a.action = 'api_key.rotated' and a.target_id::text = k.id::text
    left join api_keys n on n.id = k.rotated_to
  where (k.rotated_to is not null and (a.id is null or n.id is null)) or (k.rotated_to is null and a.id is not null)
  union all
  select n.id from api_keys n where n.line_id <> n.id and not exists (select from api_keys k where k.rotated_to = n.id)`

test('the server is killed during rotateApiKey', async () => {
  let made = 0
  const [, admin] = people as [Person, Person]
  const withKey = (secret: string) => see(server.url, PROJECTS, { headers: { 'x-api-key': secret } })
  const seen = await killDuring({
    table: 'api_keys',
    made: 'select count(*) as n from api_keys where rotated_to is not null',
    prepare: () => givenApiKey(at(server.url), admin),
    send: ({ id }, url) => see(url, ROTATE, { token: admin.token, variables: { id } }),
    check: async (tried) => {
      expect(await cluster.run(HALF_ROTATED)).toEqual([])
      for (const { subject: key, seen } of tried) {
        expect((await withKey(key.secret)).outcome).toBe('200')
        const rotated = await cluster.run('select 1 from api_keys where id = $1 and rotated_to is not null', [key.id])
        if (isServed(seen)) expect((await withKey(seen.data.rotateApiKey.secret)).outcome).toBe('200')
        else made += rotated.length
      }
    },
  })
  expect(made).toBeGreaterThan(0)
  noteOf(
    'killed-rotation',
    'rotateApiKey',
    seen,
    `each key rotated or not; ${unanswered(made)}; the old ones work on for their overlap`,
  )
})
