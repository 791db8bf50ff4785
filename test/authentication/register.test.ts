import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, PASSWORD, startServer, type Answer, type TestServer } from '../harness.ts'
import {
  asOwner,
  auditEvents,
  changePassword,
  claimsOf,
  givenClock,
  login,
  together,
} from '../session/given-sessions.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

function register(input: Record<string, unknown>, to = server): Promise<Answer> {
  const query = `mutation ($input: RegisterInput!) {
    register(input: $input) {
      accessToken refreshToken tokenType expiresIn
      user { id email firstName lastName isActive isOperator lastLoginAt memberships { role organization { slug } } }
      organization { id name slug }
    }
  }`
  return to.send(query, { variables: { input } })
}

const codes = (answers: Answer[]) => answers.map(({ errors }) => String(errors[0]?.extensions.code ?? 'ok')).sort()
let number = 0
const newEmail = () => `new-${(number += 1)}@example.test`

test('who registers with an organization is its ADMIN and signed in to it', async () => {
  const answer = await register({
    email: newEmail(),
    password: PASSWORD,
    firstName: ' Ada ',
    lastName: '',
    organizationName: 'Ünïcode & Söhne',
  })
  expect(answer.errors).toEqual([])
  const { user, organization, ...rest } = answer.data.register
  expect(user).toMatchObject({ firstName: 'Ada', lastName: null, isActive: true, isOperator: false })
  expect(user.lastLoginAt).not.toBeNull()
  expect(organization).toMatchObject({ name: 'Ünïcode & Söhne', slug: 'unicode-sohne' })
  expect(user.memberships).toEqual([{ role: 'ADMIN', organization: { slug: 'unicode-sohne' } }])
  expect(rest).toMatchObject({ tokenType: 'Bearer', expiresIn: 1_800 })
  expect(claimsOf(rest.accessToken)).toMatchObject({
    sub: user.id,
    organization: organization.id,
    role: 'ADMIN',
    scope: '*:*',
    operator: false,
  })
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

test.each([undefined, null, '', '   '])(
  'who registers with %j as the organization has none',
  async (organizationName) => {
    const answer = await register({ email: newEmail(), password: PASSWORD, organizationName })
    expect(answer.errors).toEqual([])
    expect(answer.data.register.organization).toBeNull()
    expect(answer.data.register.user.memberships).toEqual([])
    expect(claimsOf(answer.data.register.accessToken)).toMatchObject({
      organization: null,
      membership: null,
      role: null,
      scope: '',
    })
  },
)

test('an e-mail address is the same account however it is typed', async () => {
  const email = newEmail()
  const first = await register({ email: email.toUpperCase(), password: PASSWORD })
  expect(first.data.register.user.email).toBe(email)
  expectError(await register({ email, password: PASSWORD }), 'CONFLICT', 'EMAIL_TAKEN')
  expect((await login(server, { email: email.toUpperCase(), password: PASSWORD })).errors).toEqual([])
})

test.each([
  ['short 1', 'must have at least 8 characters'],
  ['only letters', 'must have at least one letter and one digit'],
  ['1234567890', 'must have at least one letter and one digit'],
  ['password1', 'is one of the most common passwords'],
  ['context-1', 'is too close to the e-mail address'],
  ['globex-2026', "is too close to the organization's name"],
  [`a1${'x'.repeat(1_023)}`, 'must have at most 1024 characters'],
])('the password %.20j is refused, and the reason is told', async (password, reason) => {
  const answer = await register({ email: 'context@example.test', password, organizationName: 'Globex' })
  expectError(answer, 'BAD_USER_INPUT')
  const [input] = answer.errors[0]?.extensions.inputs as { path: string[]; reason: string }[]
  expect(input).toEqual({ path: ['input', 'password'], reason: `the password ${reason}` })
  expect(JSON.stringify(answer)).not.toContain(password)
})

test('a server that demands length alone refuses what is shorter, and takes a passphrase without a digit', async () => {
  const settings = { PASSWORD_MIN_LENGTH: '15', PASSWORD_REQUIRE_LETTER_AND_DIGIT: 'false' }
  const own = await startServer({ settings })
  try {
    const [short, long] = ['fourteen chars', 'correct horse battery staple']
    const reason = 'the password must have at least 15 characters'
    const refused = await register({ email: newEmail(), password: short }, own)
    expectError(refused, 'BAD_USER_INPUT')
    expect(refused.errors[0]?.extensions.inputs).toEqual([{ path: ['input', 'password'], reason }])
    expect((await register({ email: newEmail(), password: long }, own)).errors).toEqual([])
    const { token } = await givenPerson(own)
    const kept = await changePassword(own, token, PASSWORD, short)
    expectError(kept, 'BAD_USER_INPUT')
    expect(kept.errors[0]?.extensions.inputs).toEqual([{ path: ['input', 'newPassword'], reason }])
    expect((await changePassword(own, token, PASSWORD, long)).errors).toEqual([])
  } finally {
    await own.close()
  }
})

test.each([
  ['emoji', { password: '🐎🔋📎 correct 7', firstName: '👩‍🚀', organizationName: '🏢' }, 'ok'],
  ['a password of 1,024 characters outside the BMP', { password: `a1${'𝕏'.repeat(1_022)}` }, 'ok'],
  ['a password with NUL', { password: 'correct\u0000horse 7' }, 'BAD_USER_INPUT'],
  ['a password with a lone surrogate', { password: 'correct\ud800horse 7' }, 'BAD_USER_INPUT'],
  ['a name with NUL', { firstName: 'A\u0000da' }, 'BAD_USER_INPUT'],
  ['a last name with a lone surrogate', { lastName: 'A\udfffda' }, 'BAD_USER_INPUT'],
  ['an organization with NUL', { organizationName: 'Ac\u0000me' }, 'BAD_USER_INPUT'],
  ['an organization with a lone surrogate', { organizationName: 'Ac\ud800me' }, 'BAD_USER_INPUT'],
  ['a name of 201 characters', { firstName: 'a'.repeat(201) }, 'BAD_USER_INPUT'],
  ['an organization of 201 characters', { organizationName: 'a'.repeat(201) }, 'BAD_USER_INPUT'],
  ['an e-mail address of 90,000 characters', { email: `${'a'.repeat(90_000)}@example.test` }, 'BAD_USER_INPUT'],
  ['an e-mail address of 255 characters', { email: `${'a'.repeat(242)}@example.test` }, 'BAD_USER_INPUT'],
  ['an e-mail address with NUL', { email: 'a\u0000@example.test' }, 'BAD_USER_INPUT'],
  ['an e-mail address with a lone surrogate', { email: 'a\ud800@example.test' }, 'BAD_USER_INPUT'],
  ['an e-mail address that is a number', { email: 7 }, 'BAD_USER_INPUT'],
  ['an e-mail address that is an object', { email: { $ne: null } }, 'BAD_USER_INPUT'],
  ['a password that is a list', { password: ['correct horse 7'] }, 'BAD_USER_INPUT'],
  ['a password that is null', { password: null }, 'BAD_USER_INPUT'],
  ['an unknown field', { isSuperuser: true }, 'BAD_USER_INPUT'],
])('%s is accepted or refused, and nothing breaks', async (_, hostile, expected) => {
  const answer = await register({ email: newEmail(), password: PASSWORD, ...hostile })
  expect(answer.status).toBeLessThan(500)
  const [code = 'ok'] = codes([answer])
  expect(code).toBe(expected)
})

test('a password of 1 MB is refused before anything reads it', async () => {
  const answer = await register({ email: newEmail(), password: 'a1'.repeat(500_000) })
  expect(answer.status).toBe(413)
  expectError(answer, 'OPERATION_TOO_LARGE')
})

test('of ten who register with one e-mail address at once, one gets it', async () => {
  for (let round = 0; round < 50; round += 1) {
    const email = newEmail()
    const answers = await together(10, () => register({ email, password: PASSWORD }))
    expect(codes(answers)).toEqual([...Array<string>(9).fill('CONFLICT'), 'ok'])
    expect(answers.filter(({ data }) => data?.register).length).toBe(1)
  }
}, 180_000)

test('of ten organizations that are made with one name at once, each gets a slug of its own', async () => {
  const creators = await together(10, () => givenPerson(server, null))
  const query = 'mutation ($name: String!) { createOrganization(input: { name: $name }) { organization { slug } } }'
  for (let round = 0; round < 50; round += 1) {
    const variables = { name: `Race ${round}` }
    const answers = await Promise.all(creators.map(({ token }) => server.send(query, { token, variables })))
    expect(codes(answers)).toEqual(Array<string>(10).fill('ok'))
    const slugs = new Set(answers.map(({ data }) => String(data.createOrganization.organization.slug)))
    expect(slugs.size).toBe(10)
    expect(slugs).toContain(`race-${round}`)
  }
}, 180_000)

test('of ten who register with an organization of one name at once, each gets a slug of its own', async () => {
  const organizationName = 'Registered at once'
  const answers = await together(10, () => register({ email: newEmail(), password: PASSWORD, organizationName }))
  expect(new Set(answers.map(({ data }) => String(data.register.organization.slug))).size).toBe(10)
})

test('what is refused leaves neither a user nor an organization behind', async () => {
  const { email } = await givenPerson(server, null)
  const before = await asOwner(server, 'select count(*)::int as n from organizations')
  expectError(await register({ email, password: PASSWORD, organizationName: 'Never' }), 'CONFLICT', 'EMAIL_TAKEN')
  expect(await asOwner(server, 'select count(*)::int as n from organizations')).toEqual(before)
})

test('many people of one address may register on one day, and who only guesses addresses has to wait', async () => {
  const { clock, advance } = givenClock()
  const own = await startServer({ clock, settings: { SIGN_IN_FREE_FAILURES_PER_ADDRESS: '3' } })
  try {
    const email = newEmail()
    for (let person = 0; person < 6; person += 1) {
      expect((await register({ email: person ? newEmail() : email, password: PASSWORD }, own)).errors).toEqual([])
    }
    for (let guess = 0; guess < 3; guess += 1)
      expectError(await register({ email, password: PASSWORD }, own), 'CONFLICT')
    expectError(await register({ email: newEmail(), password: PASSWORD }, own), 'RATE_LIMITED')
    advance(86_400)
    expect((await register({ email: newEmail(), password: PASSWORD }, own)).errors).toEqual([])
  } finally {
    await own.close()
  }
})

test('a registration is recorded with its organization', async () => {
  const { userId, organizationId } = await givenPerson(server, 'Recorded')
  const events = await auditEvents(server, 'user.registered', 'organization.created')
  const own = events.filter((event) => event.actor_id === userId)
  expect(own.map(({ action }) => action).sort()).toEqual(['organization.created', 'user.registered'])
  expect(own.every((event) => event.organization_id === organizationId && event.succeeded)).toBe(true)
})
