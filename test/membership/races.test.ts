import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenMember, givenPerson, PASSWORD, startServer, type TestServer } from '../harness.ts'
import { sql } from '../paging/rows.ts'
import { rounds } from '../rounds.ts'
import { adminsOf, givenAdmins, mutate, outcomeOf, reinstate, type Admin } from './race.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(async () => server.close())

const ALLOWED = new Set([
  'done',
  // The actor's own membership ended, or became a lesser one, before its turn came.
  'FORBIDDEN/INSUFFICIENT_ROLE',
  // … or before its request was looked at.
  'UNAUTHENTICATED/REVOKED',
  'NOT_FOUND',
  'CONFLICT/LAST_ADMIN',
])

type Attack = (admins: readonly Admin[], at: number) => Promise<string>
const next = (admins: readonly Admin[], at: number) => admins[(at + 1) % admins.length]!
const demotesTheNext: Attack = async (admins, at) =>
  outcomeOf(
    await mutate(server, admins[at]!.token, 'change', { membershipId: next(admins, at).membershipId, role: 'VIEWER' }),
  )
const removesTheNext: Attack = async (admins, at) =>
  outcomeOf(await mutate(server, admins[at]!.token, 'remove', { membershipId: next(admins, at).membershipId }))
const leaves: Attack = async (admins, at) => outcomeOf(await mutate(server, admins[at]!.token, 'leave'))
const stepsDown: Attack = async (admins, at) =>
  outcomeOf(
    await mutate(server, admins[at]!.token, 'change', { membershipId: admins[at]!.membershipId, role: 'DEVELOPER' }),
  )
const attacks = [demotesTheNext, removesTheNext, leaves, stepsDown]

test('of admins who all leave, step down, demote or remove each other at once, one always stays', async () => {
  const people = await givenAdmins(server, 10)
  const organizationId = people[0]!.organizationId
  for (let round = 0; round < rounds(50); round += 1) {
    const count = 2 + (round % 9)
    const admins = await reinstate(server, people.slice(0, count))
    // Those who take no part are no ADMINs, so that the last one is among those who do.
    await sql(
      server,
      organizationId,
      `update memberships set role = 'VIEWER' where id not in (${admins.map(() => '?').join(', ')})`,
      admins.map(({ membershipId }) => membershipId),
    )
    const outcomes = await Promise.all(
      admins.map((_, at) => (round % 5 === 4 ? attacks[at % 4]! : attacks[round % 5]!)(admins, at)),
    )
    expect(outcomes.filter((outcome) => !ALLOWED.has(outcome))).toEqual([])
    expect(await adminsOf(server, organizationId)).toBeGreaterThanOrEqual(1)
    const everyoneGoes = round % 5 === 2 || round % 5 === 3
    if (everyoneGoes) {
      expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(count - 1)
      expect(outcomes.filter((outcome) => outcome === 'CONFLICT/LAST_ADMIN')).toHaveLength(1)
      expect(await adminsOf(server, organizationId)).toBe(1)
    }
  }
}, 180_000)

test.each([
  ['demote', demotesTheNext],
  ['remove', removesTheNext],
])(
  'of two admins who %s each other five times at once, one succeeds and stays: 50 rounds',
  async (_, attack) => {
    const people = await givenAdmins(server, 2)
    for (let round = 0; round < rounds(50); round += 1) {
      const admins = await reinstate(server, people)
      const attempts = Array.from({ length: 10 }, async (__, at) => ({
        by: at % 2,
        outcome: await attack(admins, at % 2),
      }))
      const outcomes = await Promise.all(attempts)
      expect(outcomes.filter(({ outcome }) => !ALLOWED.has(outcome))).toEqual([])
      expect(new Set(outcomes.filter(({ outcome }) => outcome === 'done').map(({ by }) => by)).size).toBe(1)
      expect(await adminsOf(server, people[0]!.organizationId)).toBe(1)
    }
  },
  180_000,
)

test('a user added by several admins at once is a member once, and the others are told so', async () => {
  const people = await givenAdmins(server, 3)
  const admins = await reinstate(server, people)
  for (let round = 0; round < rounds(10); round += 1) {
    const { email } = await givenPerson(server, null)
    const outcomes = await Promise.all(
      [...admins, ...admins].map(async ({ token }) =>
        outcomeOf(await mutate(server, token, 'add', { email, role: 'VIEWER' })),
      ),
    )
    expect(outcomes.toSorted()).toEqual([...Array<string>(5).fill('CONFLICT/ALREADY_A_MEMBER'), 'done'])
  }
})

test('signing in while being removed and added again is never a failure of the server', async () => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'DEVELOPER')
  for (let round = 0; round < rounds(30); round += 1) {
    const { data } = await server.send('{ organization { members { nodes { id user { id } } } } }', {
      token: admin.token,
    })
    const membership = data.organization.members.nodes.find(({ user }: any) => user.id === member.userId)
    const login = () =>
      server.send('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
        variables: { input: { email: member.email, password: PASSWORD } },
      })
    const add = () => mutate(server, admin.token, 'add', { email: member.email, role: 'VIEWER' })
    const answers = await Promise.all([
      login(),
      ...(membership ? [mutate(server, admin.token, 'remove', { membershipId: membership.id })] : []),
      add(),
      login(),
      add(),
    ])
    expect(answers.map(outcomeOf).filter((outcome) => outcome.startsWith('INTERNAL'))).toEqual([])
  }
})
