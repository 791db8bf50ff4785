import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { change, givenApiKey, REVOKE } from '../api-key/given-api-key.ts'
import { givenMember, givenPerson, REDIS_URL, startServer, type Person, type TestServer } from '../harness.ts'
import { givenOperator, operate, type Operator } from '../platform/given-operator.ts'
import { withoutChannel } from './given-channel.ts'

/** Without a Redis, and with one where there is one. */
const SURROUNDINGS = [['without Redis', ''] as const, ...(REDIS_URL ? [['with Redis', REDIS_URL] as const] : [])]

describe.each(SURROUNDINGS)('two instances on one PostgreSQL, %s', (_, redisUrl) => {
  let here: TestServer
  let there: TestServer
  let operator: Operator
  let admin: Person

  beforeAll(async () => {
    here = await startServer({ settings: { REDIS_URL: redisUrl } })
    there = await startServer({ settings: { REDIS_URL: redisUrl }, databaseUrl: here.databaseUrl })
    operator = await givenOperator(here)
    admin = await givenPerson(here)
  })
  afterAll(async () => {
    await there.close()
    await here.close()
  })

  const asAdmin = (mutation: string, variables: Record<string, unknown>) =>
    here.send(mutation, { token: admin.token, variables })

  /** What is ended here, and what is asked for there until it is refused. Each starts with somebody new. */
  const endings = {
    'a revoked key': async () => {
      const { id, secret } = await givenApiKey(here, admin)
      return {
        ask: { headers: { 'x-api-key': secret } },
        end: () => change(here, admin, REVOKE, { id }),
      }
    },
    'the key of a suspended organization': async () => {
      const owner = await givenPerson(here)
      const { secret } = await givenApiKey(here, owner)
      return {
        ask: { headers: { 'x-api-key': secret } },
        end: () => operate(here, operator, 'suspend', owner.organizationId),
      }
    },
    'a member of a suspended organization': async () => {
      const owner = await givenPerson(here)
      return { ask: { token: owner.token }, end: () => operate(here, operator, 'suspend', owner.organizationId) }
    },
    'the token of before a demotion': async () => {
      const member = await givenMember(here, admin, 'DEVELOPER')
      const input = { membershipId: member.membershipId, role: 'VIEWER' }
      const demote = `mutation ($input: ChangeMemberRoleInput!) { changeMemberRole(input: $input) { membership { role } } }`
      return { ask: { token: member.token }, end: () => asAdmin(demote, { input }) }
    },
    'a session that was logged out': async () => {
      const person = await givenPerson(here)
      return {
        ask: { token: person.token },
        end: () => here.send('mutation { logout { revokedSessions } }', { token: person.token }),
      }
    },
  }

  async function msUntilRefused(ask: { token?: string; headers?: Record<string, string> }): Promise<number> {
    const start = performance.now()
    while (performance.now() - start < 5_000) {
      const { errors } = await there.send('{ principal { kind } }', ask)
      if (errors.length > 0) {
        expect(errors[0]?.extensions.reason).toMatch(/^(REVOKED|ORGANIZATION_SUSPENDED)$/)
        return performance.now() - start
      }
    }
    throw new Error('not refused within 5 s')
  }

  test.each(Object.entries(endings))('%s is refused by the other within a second', async (_name, given) => {
    const { ask, end } = await given()
    expect((await there.send('{ principal { kind } }', ask)).errors).toEqual([])
    expect((await end()) ?? {}).not.toHaveProperty('errors.0')
    expect(await msUntilRefused(ask)).toBeLessThan(1_000)
  })

  test.each(Object.entries(endings))('with the channel cut, %s is refused all the same', async (_name, given) => {
    const { ask, end } = await given()
    expect((await there.send('{ principal { kind } }', ask)).errors).toEqual([])
    await withoutChannel(there.databaseUrl ?? '', async () => {
      await end()
      const { errors } = await there.send('{ principal { kind } }', ask)
      expect(errors[0]?.extensions.reason).toMatch(/^(REVOKED|ORGANIZATION_SUSPENDED)$/)
    })
  })
})
