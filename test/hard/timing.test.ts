import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isApiKeySecret, newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { givenApiKey, sendWithKey } from '../api-key/given-api-key.ts'
import { givenPerson, givenProject, startServer, type Answer, type TestServer } from '../harness.ts'

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

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A key that nobody has, but for its beginning, with the checksum that lets it be looked up. */
function keyLike(secret: string): string {
  const body = secret.slice(0, 40) + newApiKeySecret('test').slice(40, -6)
  const checksum = Array.from({ length: 6 }, (_, at) => DIGITS[Math.floor(crc32(body) / 62 ** (5 - at)) % 62])
  return body + checksum.join('')
}

test('a key that begins like one that exists is refused like any, in a time that is reported', async () => {
  const { secret } = await givenApiKey(server, await givenPerson(server))
  const known: Request = () => sendWithKey(server, keyLike(secret))
  const unknown: Request = () => sendWithKey(server, newApiKeySecret('test'))
  expect(isApiKeySecret(keyLike(secret))).toBe(true)
  expect((await known(0)).errors.map(({ message }) => message)).toEqual(
    (await unknown(0)).errors.map(({ message }) => message),
  )
  await report('an API key with the prefix of one that exists, and of none', known, unknown)
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
