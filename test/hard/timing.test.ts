import { randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isApiKeySecret, newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { givenApiKey, sendWithKey } from '../api-key/given-api-key.ts'
import { givenPerson, givenProject, startServer, type Answer, type TestServer } from '../harness.ts'
import { percentile } from './findings.ts'
import { notePair } from './timing-page.ts'

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

async function timeOf(request: Request, turn: number): Promise<number> {
  const started = performance.now()
  await request(turn)
  return performance.now() - started
}

/** What each of two requests is, in words. */
interface Words {
  one: string
  other: string
}

/** Measures two requests that nobody should be able to tell apart. Nothing is asserted: machines are noisy. */
async function report(name: Parameters<typeof notePair>[0], words: Words, one: Request, other: Request): Promise<void> {
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
  const [of, ofOther] = [percentile(times[0]) ?? 0, percentile(times[1]) ?? 0]
  notePair(name, { ...words, turns: TURNS, medianMs: [of, ofOther] })
  process.stdout.write(`timing: ${words.one}: ${of.toFixed(2)} ms; ${words.other}: ${ofOther.toFixed(2)} ms\n`)
}

test('an e-mail address that is known is answered like one that is not, in a time that is reported', async () => {
  const people = await Promise.all(Array.from({ length: ACCOUNTS }, () => givenPerson(server, null)))
  const login = (email: string) =>
    server.send('mutation ($input: LoginInput!) { login(input: $input) { tokenType } }', {
      variables: { input: { email, password: 'not the password 7' } },
    })
  const known: Request = (turn) => login(people[turn % ACCOUNTS]!.email)
  // As often each: a first failure is a new row, and the next one changes it.
  const nobodies = people.map(() => `${randomUUID()}@example.test`)
  const unknown: Request = (turn) => login(nobodies[turn % ACCOUNTS]!)
  expect((await known(0)).errors.map(({ message }) => message)).toEqual(
    (await unknown(0)).errors.map(({ message }) => message),
  )
  const words = { one: 'a sign-in with a wrong password, to an account that exists', other: 'to none' }
  await report('email', words, known, unknown)
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
  const words = { one: 'an API key that begins like one that exists', other: 'like none' }
  await report('key-prefix', words, known, unknown)
})

test('an id of another organization is answered like one of nothing, in a time that is reported', async () => {
  const [ours, theirs] = [await givenPerson(server), await givenPerson(server)]
  const foreign = await givenProject(server, theirs)
  const read = (id: string) =>
    server.send('query ($id: ID!) { project(id: $id) { name } }', { token: ours.token, variables: { id } })
  const missing: Request = () => read(randomUUID())
  expect((await read(foreign)).data).toEqual((await missing(0)).data)
  await report('id', { one: 'the id of a row of another organization', other: 'of none' }, () => read(foreign), missing)
})
