import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { givenApiKey, REVOKE, change, sendWithKey } from '../api-key/given-api-key.ts'
import { expectError, givenPerson, givenProject, startServer, type Answer, type TestServer } from '../harness.ts'

/** How often each of two requests is sent, by turns, so that both meet the same moods of the machine. */
const TURNS = 200

/** One account is not tried so often that its sign-ins are delayed. */
const ACCOUNTS = 5

let server: TestServer

beforeAll(async () => {
  // A hash that takes milliseconds: with the suite's own, a missing one would hardly show.
  server = await startServer({ settings: { PASSWORD_HASH_COST: '8', SIGN_IN_FREE_FAILURES: '99' } })
})
afterAll(() => server?.close())

type Request = (turn: number) => Promise<Answer>

const median = (times: readonly number[]) => [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)]!

async function timeOf(request: Request, turn: number): Promise<number> {
  const started = performance.now()
  await request(turn)
  return performance.now() - started
}

/** Prints the medians of two requests that nobody should be able to tell apart. Nothing is asserted: machines are noisy. */
async function report(what: string, one: Request, other: Request): Promise<void> {
  const times: [number[], number[]] = [[], []]
  for (let turn = -20; turn < TURNS; turn += 1) {
    // Who goes first gets the colder caches: by turns too.
    const isSwapped = turn % 2 !== 0
    const first = await timeOf(isSwapped ? other : one, Math.abs(turn))
    const second = await timeOf(isSwapped ? one : other, Math.abs(turn))
    if (turn < 0) continue
    times[0].push(isSwapped ? second : first)
    times[1].push(isSwapped ? first : second)
  }
  const [known, unknown] = [median(times[0]), median(times[1])]
  const apart = ((unknown / known - 1) * 100).toFixed(1)
  process.stdout.write(`timing: ${what}: ${known.toFixed(2)} ms and ${unknown.toFixed(2)} ms, ${apart} % apart\n`)
}

test('an e-mail address that is known is answered like one that is not, in a time that is reported', async () => {
  const people = await Promise.all(Array.from({ length: ACCOUNTS }, () => givenPerson(server, null)))
  const login = (email: string) =>
    server.send('mutation ($input: LoginInput!) { login(input: $input) { tokenType } }', {
      variables: { input: { email, password: 'not the password 7' } },
    })
  const known: Request = (turn) => login(people[turn % ACCOUNTS]!.email)
  const unknown: Request = () => login(`${randomUUID()}@example.test`)
  expect((await known(0)).errors.map(({ message }) => message)).toEqual(
    (await unknown(0)).errors.map(({ message }) => message),
  )
  await report('a sign-in to an account that exists, and to none', known, unknown)
})

test('a key that was revoked and one that never was are refused, in a time that is reported', async () => {
  const admin = await givenPerson(server)
  const key = await givenApiKey(server, admin)
  await change(server, admin, REVOKE, { id: key.id })
  const known: Request = () => sendWithKey(server, key.secret)
  const unknown: Request = () => sendWithKey(server, newApiKeySecret('test'))
  expectError(await known(0), 'FORBIDDEN', 'REVOKED')
  expectError(await unknown(0), 'UNAUTHENTICATED')
  await report('an API key that is known, and one that is not', known, unknown)
})

test('an id of another organization is answered like one of nothing, in a time that is reported', async () => {
  const [ours, theirs] = [await givenPerson(server), await givenPerson(server)]
  const foreign = await givenProject(server, theirs)
  const read = (id: string) =>
    server.send('query ($id: ID!) { project(id: $id) { name } }', { token: ours.token, variables: { id } })
  const missing: Request = () => read(randomUUID())
  expect((await read(foreign)).data).toEqual((await missing(0)).data)
  await report('a row of another organization, and none', () => read(foreign), missing)
})
