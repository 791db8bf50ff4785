import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenMember, givenPerson, startServer, type Answer, type Person, type TestServer } from '../harness.ts'
import { mutate, type Member } from '../membership/race.ts'
import { givenOperator, operations, type Operator } from '../platform/given-operator.ts'
import { rounds } from '../rounds.ts'
import { givenLogin, pairOf, refresh, sessionIdOf, stateOf, together, whoIs } from './given-sessions.ts'

const ROUNDS = 20

let server: TestServer
let admin: Person
let operator: Operator
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
  operator = await givenOperator(server)
})
afterAll(() => server.close())

const REVOKE_SESSION = 'mutation ($id: ID!) { revokeSession(input: { id: $id }) { session { id } } }'

/** What ends something of a member, and what their tokens may still say afterwards. */
const endings: [what: string, end: (member: Member) => Promise<Answer>, left: (answer: Answer) => unknown][] = [
  [
    'a lower role',
    ({ membershipId }) => mutate(server, admin.token, 'change', { membershipId, role: 'VIEWER' }),
    ({ data }) => expect(data.principal.role).toBe('VIEWER'),
  ],
  [
    'removal',
    ({ membershipId }) => mutate(server, admin.token, 'remove', { membershipId }),
    ({ data }) => expect(data.principal).toMatchObject({ role: null, organization: null }),
  ],
  [
    'deactivation',
    ({ userId }) => server.send(operations.deactivate, { token: operator.token, variables: { id: userId } }),
    () => expect('nothing').toBe('left'),
  ],
  [
    'the end of the session, told by another one,',
    async (member) => {
      const { token } = await givenLogin(server, member)
      return server.send(REVOKE_SESSION, { token, variables: { id: sessionIdOf(member.token) } })
    },
    () => expect('nothing').toBe('left'),
  ],
]

test.each(endings)(
  '%s wins over refreshes that race with it',
  async (_, end, left) => {
    for (let round = 0; round < rounds(ROUNDS); round += 1) {
      const member = await givenMember(server, admin, 'DEVELOPER')
      const [ended, renewals] = await Promise.all([
        end(member),
        together(5, () => refresh(server, member.refreshToken)),
      ])
      expect(ended.errors).toEqual([])
      expect(await stateOf(server, member.token)).toBe('REVOKED')
      for (const renewal of renewals.filter(({ errors }) => errors.length === 0)) {
        const answer = await whoIs(server, pairOf(renewal).token)
        if (answer.errors.length === 0) left(answer)
        else expect(answer.errors[0]?.extensions.reason).toBe('REVOKED')
      }
    }
  },
  120_000,
)
