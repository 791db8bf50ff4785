import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from '@jest/globals'
import { expectError, givenPerson, PASSWORD, startServer, type Answer, type TestServer } from '../harness.ts'

const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }'
const REFRESH = 'mutation ($input: RefreshInput!) { refresh(input: $input) { refreshToken } }'
const CHANGE = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }'
const REGISTER = 'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }'
const ADD_MEMBER = 'mutation ($input: AddMemberInput!) { addMember(input: $input) { membership { id } } }'

let server: TestServer
afterEach(() => server?.close())

const PER_ACCOUNT = 'RATE_LIMIT_SIGN_IN_PER_ACCOUNT_PER_MINUTE'
const PER_ADDRESS = 'RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE'
/** The wait after failed sign-ins is another matter, and must not get in the way. */
const FORGIVING = { SIGN_IN_FREE_FAILURES: '99' }

const login = (email: string, password = PASSWORD, headers: Record<string, string> = {}) =>
  server.send(LOGIN, { variables: { input: { email, password } }, headers })

const isLimited = ({ errors }: Answer) => errors.some(({ extensions }) => extensions.code === 'RATE_LIMITED')
const notLimited = (answers: readonly Answer[]) => answers.filter((answer) => !isLimited(answer)).length

/** Counts the passwords that are hashed or compared. */
function countHashes(): { readonly done: number } {
  const { passwords } = server.app.services
  const { hash, verify } = { hash: passwords.hash.bind(passwords), verify: passwords.verify.bind(passwords) }
  const count = { done: 0 }
  Object.assign(passwords, {
    hash: (...given: Parameters<typeof hash>) => {
      count.done += 1
      return hash(...given)
    },
    verify: (...given: Parameters<typeof verify>) => {
      count.done += 1
      return verify(...given)
    },
  })
  return count
}

test('of 20 sign-ins at once to one account 10 are looked at; the others are refused before anything is hashed', async () => {
  server = await startServer({ settings: { ...FORGIVING, [PER_ACCOUNT]: '10' } })
  const { email } = await givenPerson(server)
  const other = await givenPerson(server)
  const hashes = countHashes()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, turn) => login(turn % 2 ? email : email.toUpperCase(), 'a wrong guess 1')),
  )
  expect(notLimited(answers)).toBe(10)
  expect(hashes.done).toBe(10)
  for (const answer of answers.filter(isLimited)) {
    expectError(answer, 'RATE_LIMITED')
    expect(answer.status).toBe(429)
    expect(answer.headers.get('retry-after')).toBe(String(answer.errors[0]?.extensions.retryAfterSeconds))
    expect(answer.headers.get('ratelimit')).toContain('"login-by-account";r=0;t=')
  }
  // The right password is not looked at either, and nobody else is concerned.
  expectError(await login(email), 'RATE_LIMITED')
  expect((await login(other.email)).errors).toEqual([])
})

test('an address that nobody has registered with is limited alike', async () => {
  server = await startServer({ settings: { ...FORGIVING, [PER_ACCOUNT]: '3' } })
  const answers = await Promise.all(Array.from({ length: 6 }, () => login('nobody@example.test', 'a wrong guess 1')))
  expect(notLimited(answers)).toBe(3)
})

test('each executed field counts: aliases in one document are no way around it', async () => {
  server = await startServer({ settings: { ...FORGIVING, [PER_ACCOUNT]: '4' } })
  const { email } = await givenPerson(server)
  const hashes = countHashes()
  const fields = Array.from(
    { length: 8 },
    (_, turn) => `a${turn}: login(input: { email: "${email}", password: "wrong guess ${turn}" }) { accessToken }`,
  )
  // `login` cannot be null, so the first failure ends the operation: what follows it is not executed, and not counted.
  await server.send(`mutation { ${fields.join(' ')} }`)
  expect(hashes.done).toBe(1)
  const right = fields.map((field) => field.replace(/wrong guess \d/, PASSWORD))
  const answer = await server.send(`mutation { ${right.join(' ')} }`)
  expectError(answer, 'RATE_LIMITED')
  expect(answer.errors[0]?.path).toEqual(['a3'])
  expect(hashes.done).toBe(4)
})

test('an address has its own limit, over all accounts', async () => {
  server = await startServer({ settings: { ...FORGIVING, [PER_ADDRESS]: '6', TRUST_PROXY_HOPS: '1' } })
  const from = (address: string, turn: number) =>
    login(`guess-${turn}@example.test`, 'a wrong guess 1', { 'x-forwarded-for': address })
  const hashes = countHashes()
  const answers = await Promise.all(Array.from({ length: 12 }, (_, turn) => from('192.0.2.1', turn)))
  expect(notLimited(answers)).toBe(6)
  expect(hashes.done).toBe(6)
  expectError(await from('192.0.2.2', 1), 'UNAUTHENTICATED')
})

test('registrations are limited by address, good ones too', async () => {
  server = await startServer({ settings: { [PER_ADDRESS]: '5' } })
  const hashes = countHashes()
  const answers = await Promise.all(
    Array.from({ length: 9 }, (_, turn) =>
      server.send(REGISTER, { variables: { input: { email: `new-${turn}@example.test`, password: PASSWORD } } }),
    ),
  )
  expect(notLimited(answers)).toBe(5)
  expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(5)
  expect(hashes.done).toBe(5)
})

const refresh = (refreshToken: string, headers: Record<string, string> = {}) =>
  server.send(REFRESH, { variables: { input: { refreshToken } }, headers })

test('a refresh token is looked at so often a minute, and no other is concerned', async () => {
  server = await startServer({ settings: { [PER_ACCOUNT]: '3' } })
  const [person, other] = [await givenPerson(server), await givenPerson(server)]
  const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(person.refreshToken)))
  expect(notLimited(answers)).toBe(3)
  expect((await refresh(other.refreshToken)).errors).toEqual([])
})

test('made-up tokens with the id of a session use up nothing of what its own have', async () => {
  server = await startServer({ settings: { [PER_ACCOUNT]: '3', TRUST_PROXY_HOPS: '1' } })
  const person = await givenPerson(server)
  const session = Buffer.from(person.refreshToken.slice('rt_'.length), 'base64url').subarray(0, 16)
  for (let turn = 0; turn < 10; turn += 1) {
    const made = `rt_${Buffer.concat([session, randomBytes(48)]).toString('base64url')}`
    expect(made).toHaveLength(person.refreshToken.length)
    expectError(await refresh(made, { 'x-forwarded-for': `192.0.2.${turn}` }), 'UNAUTHENTICATED', 'INVALID')
  }
  expect((await refresh(person.refreshToken)).errors).toEqual([])
})

test('refreshing is limited by address, whatever the tokens', async () => {
  server = await startServer({ settings: { [PER_ADDRESS]: '4' } })
  let token = (await givenPerson(server)).refreshToken
  for (let turn = 0; turn < 4; turn += 1) token = (await refresh(token)).data.refresh.refreshToken as string
  expectError(await refresh(token), 'RATE_LIMITED')
})

test('guesses at the current password are limited, whatever the session', async () => {
  server = await startServer({ settings: { ...FORGIVING, [PER_ACCOUNT]: '3' } })
  const person = await givenPerson(server)
  const hashes = countHashes()
  const answers: Answer[] = []
  for (let turn = 0; turn < 5; turn += 1) {
    const input = { currentPassword: `wrong guess ${turn}`, newPassword: 'another horse battery 8' }
    answers.push(await server.send(CHANGE, { token: person.token, variables: { input } }))
  }
  expect(notLimited(answers)).toBe(3)
  expect(hashes.done).toBe(3)
})

test('asking who has an account by adding members is limited', async () => {
  server = await startServer({ settings: { [PER_ADDRESS]: '4' } })
  const admin = await givenPerson(server)
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, turn) =>
      server.send(ADD_MEMBER, {
        token: admin.token,
        variables: { input: { email: `guess-${turn}@example.test`, role: 'VIEWER' } },
      }),
    ),
  )
  expect(notLimited(answers)).toBe(4)
})

test('after a read in the same operation the limit is counted without a second connection', async () => {
  // Limits so low that each of them is fetched one by one, from the one connection that there is.
  const settings = { DATABASE_POOL_SIZE: '1', REDIS_URL: '', [PER_ACCOUNT]: '10', [PER_ADDRESS]: '10' }
  server = await startServer({ settings })
  const person = await givenPerson(server)
  const answer = await server.send(
    `mutation ($input: LoginInput!) {
      createProject(input: { name: "Loom" }) { project { gateways { totalCount } } }
      login(input: $input) { user { email } }
    }`,
    { token: person.token, variables: { input: { email: person.email, password: PASSWORD } } },
  )
  expect(answer.errors).toEqual([])
  expect(answer.headers.get('ratelimit')).toContain('"login-by-account";r=9;')
  // A store that had to wait for the connection would not have answered in time.
  expect(server.app.services.rateLimits.isDegraded()).toBe(false)
})

test('organizations are made so often a minute, however many aliases ask', async () => {
  server = await startServer({ settings: { [PER_ACCOUNT]: '3' } })
  const { token } = await givenPerson(server)
  const other = await givenPerson(server)
  const create = (at: number) => `a${at}: createOrganization(input: { name: "One of many" }) { organization { id } }`
  const makeSix = `mutation { ${[1, 2, 3, 4, 5, 6].map(create).join(' ')} }`
  expectError(await server.send(makeSix, { token }), 'RATE_LIMITED')
  const memberships = async (of: string) =>
    (await server.send('{ me { memberships { id } } }', { token: of })).data.me.memberships as unknown[]
  expect(await memberships(token)).toHaveLength(4)
  expect((await server.send(`mutation { ${create(1)} }`, { token: other.token })).errors).toEqual([])
})
