import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { change, givenApiKey, REVOKE, sendWithKey } from '../api-key/given-api-key.ts'
import { expectError, givenMember, givenPerson, REDIS_URL, type Answer, type Person } from '../harness.ts'
import { logout } from '../session/given-sessions.ts'
import { givenWorkers, type Workers } from './given-workers.ts'

/** Without a Redis, and with one where there is one. */
const SURROUNDINGS = [['without Redis', ''] as const, ...(REDIS_URL ? [['with Redis', REDIS_URL] as const] : [])]
const ROUNDS = 20

describe.each(SURROUNDINGS)('two workers, %s', (_, redisUrl) => {
  let server: Workers
  let admin: Person

  beforeAll(async () => {
    server = await givenWorkers({ REDIS_URL: redisUrl })
    admin = await givenPerson(server)
  })
  afterAll(() => server?.close())

  /** How many of the answers each of the two workers gave. */
  async function sharesOf(answers: readonly Answer[]): Promise<number[]> {
    const places = await Promise.all(answers.map((answer) => server.workerOf(answer)))
    return [1, 2].map((place) => places.filter((other) => other === place).length)
  }

  /** What is ended, by what it is asked with. Each is somebody new. */
  const endings = {
    'a session that is logged out': async () => {
      const { token } = await givenPerson(server)
      return { ask: { token }, end: () => logout(server, token), reason: 'REVOKED' }
    },
    'the token of before a change of role': async () => {
      const { token, membershipId } = await givenMember(server, admin, 'DEVELOPER')
      const mutation = `mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { membership { role } } }`
      const variables = { input: { membershipId, role: 'VIEWER' } }
      return {
        ask: { token },
        end: () => server.send(mutation, { token: admin.token, variables }),
        reason: 'REVOKED',
      }
    },
    'a key that is revoked': async () => {
      const { id, secret } = await givenApiKey(server, admin)
      return {
        ask: { headers: { 'x-api-key': secret } },
        end: () => change(server, admin, REVOKE, { id }),
        reason: 'REVOKED',
      }
    },
  }

  test.each(Object.entries(endings))(
    '%s is refused from the next request on, whichever worker takes it',
    async (_name, given) => {
      const after: Answer[] = []
      for (let round = 0; round < ROUNDS; round += 1) {
        const { ask, end, reason } = await given()
        const both = () => Promise.all([1, 2].map(() => server.send('{ principal { kind } }', ask)))
        expect((await both()).flatMap(({ errors }) => errors)).toEqual([])
        expect((await end()) ?? {}).not.toHaveProperty('errors.0')
        const answers = await both()
        expect(answers.map(({ errors }) => errors[0]?.extensions.reason)).toEqual([reason, reason])
        after.push(...answers)
      }
      for (const share of await sharesOf(after)) expect(share).toBeGreaterThan(ROUNDS / 4)
    },
  )

  test('of 20 requests at once with a key whose limit is 10 exactly 10 pass, over connections to both workers', async () => {
    const all: Answer[] = []
    for (let round = 0; round < 5; round += 1) {
      const { secret } = await givenApiKey(server, admin, { rateLimitPerMinute: 10 })
      const answers = await Promise.all(Array.from({ length: 20 }, () => sendWithKey(server, secret)))
      const refused = answers.filter(({ errors }) => errors.length > 0)
      for (const answer of refused) expectError(answer, 'RATE_LIMITED')
      expect(refused).toHaveLength(10)
      all.push(...answers)
    }
    // A connection goes to a worker that is free: on a busy machine not to each as often.
    for (const share of await sharesOf(all)) expect(share).toBeGreaterThan(10)
  })
})
