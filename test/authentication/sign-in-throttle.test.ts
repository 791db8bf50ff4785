import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenPerson,
  PASSWORD,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { asOwner, changePassword, givenClock, login, together } from '../session/given-sessions.ts'

const WRONG = 'another password 7'
const { clock, advance } = givenClock()
let server: TestServer
beforeAll(async () => {
  const settings = { SIGN_IN_FREE_FAILURES: '3', TRUST_PROXY_HOPS: '1', SIGN_IN_FREE_FAILURES_PER_ADDRESS: '20' }
  server = await startServer({ clock, settings })
})
afterAll(() => server.close())

let addresses = 0
/** An address that nobody has used yet. */
const from = () => ({ 'x-forwarded-for': `10.${Math.floor((addresses += 1) / 250)}.0.${addresses % 250}` })
const fail = (email: string, headers = from()) => login(server, { email, password: WRONG }, { headers })
const succeed = ({ email }: Person, headers = from()) => login(server, { email, password: PASSWORD }, { headers })
const codeOf = ({ errors }: Answer) => String(errors[0]?.extensions.code ?? 'ok')

async function waitOf(answer: Promise<Answer>): Promise<number> {
  const refused = await answer
  expectError(refused, 'RATE_LIMITED')
  expect(refused.status).toBe(429)
  const seconds = refused.errors[0]?.extensions.retryAfterSeconds as number
  expect(refused.headers.get('retry-after')).toBe(String(seconds))
  return seconds
}

test('each failure beyond the free ones doubles the wait, and nothing is looked at before it is over', async () => {
  const person = await givenPerson(server)
  const waits: number[] = []
  for (let failure = 1; failure <= 14; failure += 1) {
    expectError(await fail(person.email), 'UNAUTHENTICATED', 'INVALID_CREDENTIALS')
    if (failure < 3) continue
    const seconds = await waitOf(succeed(person))
    waits.push(seconds)
    advance(seconds - 0.1)
    expect(await waitOf(succeed(person))).toBe(1)
    advance(0.1)
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
})

test('a right password forgets the failures before it', async () => {
  const person = await givenPerson(server)
  for (let round = 0; round < 3; round += 1) {
    expectError(await fail(person.email), 'UNAUTHENTICATED')
    expectError(await fail(person.email), 'UNAUTHENTICATED')
    expect((await succeed(person)).errors).toEqual([])
  }
})

test('an unknown address has to wait like a known one', async () => {
  for (let failure = 1; failure <= 3; failure += 1) expectError(await fail('unknown@example.test'), 'UNAUTHENTICATED')
  expect(await waitOf(fail('UNKNOWN@example.test'))).toBe(1)
})

test('after 100 failures in a row the account rests for a day', async () => {
  const person = await givenPerson(server)
  await fail(person.email)
  await asOwner(
    server,
    `update sign_in_failures set failures = 99 where failures = 1 and subject in (
    select subject from sign_in_failures order by id desc limit 2)`,
  )
  expectError(await fail(person.email), 'UNAUTHENTICATED')
  expect(await waitOf(succeed(person))).toBe(86_400)
  advance(86_400)
  expect((await succeed(person)).errors).toEqual([])
})

test('attempts at once are all counted: no more are looked at than one after the other', async () => {
  const person = await givenPerson(server)
  const answers = await together(20, () => fail(person.email))
  expect(answers.map(codeOf).filter((code) => code === 'UNAUTHENTICATED').length).toBe(3)
  expect(answers.map(codeOf).filter((code) => code === 'RATE_LIMITED').length).toBe(17)
})

test('right passwords at once are all let in', async () => {
  const person = await givenPerson(server)
  const headers = from()
  const answers = await together(3, () => succeed(person, headers))
  expect(answers.map(codeOf)).toEqual(['ok', 'ok', 'ok'])
})

test('aliases do not multiply attempts', async () => {
  const person = await givenPerson(server)
  const field = (index: number) => `a${index}: login(input: $input) { accessToken }`
  const query = `mutation ($input: LoginInput!) { ${[0, 1, 2, 3, 4, 5].map(field).join(' ')} }`
  const send = (password: string) =>
    server.send(query, { variables: { input: { email: person.email, password } }, headers: from() })
  // The first that fails ends the operation.
  for (let round = 0; round < 3; round += 1) expectError(await send(WRONG), 'UNAUTHENTICATED')
  await waitOf(send(WRONG))
})

test('changePassword counts as a sign-in does', async () => {
  const person = await givenPerson(server)
  for (let failure = 0; failure < 3; failure += 1) {
    expectError(await changePassword(server, person.token, WRONG, 'a new password 8'), 'UNAUTHENTICATED')
  }
  await waitOf(changePassword(server, person.token, PASSWORD, 'a new password 8'))
  await waitOf(succeed(person))
})

test('one address that tries many accounts has to wait, and no other address does', async () => {
  const person = await givenPerson(server)
  const headers = from()
  for (let account = 0; account < 20; account += 1)
    expectError(await fail(`a${account}@example.test`, headers), 'UNAUTHENTICATED')
  expect(await waitOf(succeed(person, headers))).toBe(1)
  expect((await succeed(person)).errors).toEqual([])
})

test('one good account does not clear the way for its address', async () => {
  const person = await givenPerson(server)
  const headers = from()
  for (let account = 0; account < 19; account += 1) {
    expectError(await fail(`b${account}@example.test`, headers), 'UNAUTHENTICATED')
    if (account === 10) expect((await succeed(person, headers)).errors).toEqual([])
  }
  expectError(await fail('b20@example.test', headers), 'UNAUTHENTICATED')
  await waitOf(fail('b21@example.test', headers))
})

test('an address never rests for a day, and starts afresh on the next', async () => {
  const headers = from()
  for (let attempt = 0; attempt < 130; attempt += 1) {
    const answer = await fail(`c${attempt}@example.test`, headers)
    if (codeOf(answer) === 'RATE_LIMITED') advance(await waitOf(fail('c@example.test', headers)))
  }
  expect(await waitOf(fail('c@example.test', headers)).catch(() => 0)).toBeLessThanOrEqual(900)
  advance(86_400)
  const person = await givenPerson(server)
  expect((await succeed(person, headers)).errors).toEqual([])
})

test('an address of version 6 is its network: whoever has 2^64 of them waits like everybody else', async () => {
  const person = await givenPerson(server)
  for (let account = 0; account < 20; account += 1) {
    const headers = { 'x-forwarded-for': `2001:db8:1:2::${account}` }
    expectError(await fail(`d${account}@example.test`, headers), 'UNAUTHENTICATED')
  }
  expect(await waitOf(succeed(person, { 'x-forwarded-for': '2001:db8:1:2:ffff::1' }))).toBe(1)
  // What a client puts before what the proxy adds is no address of its own.
  await waitOf(succeed(person, { 'x-forwarded-for': '10.88.88.88, 2001:db8:1:2::1' }))
  expect((await succeed(person, { 'x-forwarded-for': '2001:db8:1:3::1' })).errors).toEqual([])
})

test('a right password that is not looked at, since too many wait, is no failure of its account or address', async () => {
  const settings = { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE: '1', PASSWORD_HASH_COST: '9' }
  const own = await startServer({ clock, settings: { ...settings, SIGN_IN_FREE_FAILURES: '50' } })
  try {
    const person = await givenPerson(own)
    const { email } = person
    const right = () => login(own, { email, password: PASSWORD })
    const codes = (await together(16, right)).map(codeOf)
    expect(new Set(codes)).toEqual(new Set(['ok', 'RATE_LIMITED']))
    expectError(await changePassword(own, person.token, WRONG, 'a new password 8'), 'UNAUTHENTICATED')
    const failures = 'select failures from sign_in_failures order by failures'
    expect(await asOwner(own, failures)).toEqual([{ failures: 1 }, { failures: 1 }])
    const query = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }'
    const register = (at: number) =>
      own.send(query, { variables: { input: { email: `full-${at}@example.test`, password: PASSWORD } } })
    const registered = await together(10, register)
    expect(registered.map(codeOf)).toContain('RATE_LIMITED')
    expect(await asOwner(own, failures)).toEqual([{ failures: 1 }, { failures: 1 }])
  } finally {
    await own.close()
  }
})

test('a right password that is looked at too late, or not at all any more, is no failure', async () => {
  const slow = { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE: '100', PASSWORD_HASH_COST: '12' }
  const short = { EXECUTION_TIMEOUT_MS: '2000', DATABASE_STATEMENT_TIMEOUT_MS: '1900' }
  const own = await startServer({ clock, settings: { ...slow, ...short, SIGN_IN_FREE_FAILURES: '50' } })
  try {
    const { email } = await givenPerson(own)
    const answers = await together(32, () => login(own, { email, password: PASSWORD }))
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['ok', 'TIMEOUT']))
    // What is late comes to its end behind its answer.
    const failures = () =>
      asOwner<{ n: number }>(own, 'select coalesce(sum(failures), 0)::int as n from sign_in_failures')
    for (let patience = 0; patience < 100 && (await failures())[0]?.n !== 0; patience += 1) await sleep(100)
    expect(await failures()).toEqual([{ n: 0 }])
  } finally {
    await own.close()
  }
})

test('what is counted back takes the wait with it that it brought', async () => {
  const settings = { PASSWORD_HASH_THREADS: '1', PASSWORD_HASH_QUEUE: '1', PASSWORD_HASH_COST: '11' }
  const own = await startServer({ clock, settings: { ...settings, SIGN_IN_FREE_FAILURES: '2' } })
  try {
    const [victim, other] = [await givenPerson(own), await givenPerson(own)]
    expectError(await login(own, { email: victim.email, password: WRONG }), 'UNAUTHENTICATED')
    const right = ({ email }: Person) => login(own, { email, password: PASSWORD })
    const busy = Array.from({ length: 6 }, () => right(other))
    // The first answer comes before any hash is made: the queue is full.
    expectError(await Promise.race(busy), 'RATE_LIMITED')
    expectError(await right(victim), 'RATE_LIMITED')
    await Promise.all(busy)
    expect((await right(victim)).errors).toEqual([])
  } finally {
    await own.close()
  }
})

test('what was counted long ago is not kept', async () => {
  await fail('long-ago@example.test')
  advance(2 * 86_400)
  for (let attempt = 0; attempt < 80; attempt += 1) await fail(`today-${attempt}@example.test`)
  const [row] = await asOwner<{ n: number }>(
    server,
    'select count(*)::int as n from sign_in_failures where last_failed_at < ?',
    [new Date(clock().getTime() - 86_400_000)],
  )
  expect(row?.n).toBe(0)
})

test('the table of failures names nobody', async () => {
  await fail('named@example.test', { 'x-forwarded-for': '10.99.99.99' })
  const rows = JSON.stringify(await asOwner(server, 'select * from sign_in_failures'))
  expect(rows).not.toMatch(/named|10\.99/)
})
