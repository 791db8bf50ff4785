import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { change, givenApiKey, PROJECTS, REVOKE, UPDATE } from '../api-key/given-api-key.ts'
import { givenPerson, REDIS_URL, startServer, type Person, type TestServer } from '../harness.ts'
import {
  DISABLE,
  givenProvider,
  givenRegistration,
  onThisMachine,
  type Provider,
} from '../issuer/given-registration.ts'
import { givenOperator, operate, type Operator } from '../platform/given-operator.ts'
import { withoutChannel } from '../principal/given-channel.ts'
import { auditEvents, claimsOf, givenLogin, sessionIdOf, together } from '../session/given-sessions.ts'
import { exchange, givenKeyToken, givenRevoked, refreshTokens, stateTold, tokenIn } from './given-grants.ts'

/** Without a Redis, and with one where there is one. */
const SURROUNDINGS = [['without Redis', ''] as const, ...(REDIS_URL ? [['with Redis', REDIS_URL] as const] : [])]

describe.each(SURROUNDINGS)('two instances on one PostgreSQL, %s', (_, redisUrl) => {
  let here: TestServer
  let there: TestServer
  let provider: Provider
  let operator: Operator
  let admin: Person

  beforeAll(async () => {
    provider = await givenProvider()
    const settings = { ...onThisMachine, REDIS_URL: redisUrl }
    here = await startServer({ settings })
    there = await startServer({ settings, databaseUrl: here.databaseUrl })
    operator = await givenOperator(here)
    admin = await givenPerson(here)
  })
  afterAll(async () => {
    await there.close()
    await here.close()
    await provider.close()
  })

  /** What is ended here, and the token that is presented there until it is refused. Each starts with something new. */
  const endings = {
    'the token of a revoked key': async () => {
      const key = await givenApiKey(here, admin)
      return { token: await givenKeyToken(here, key), end: () => change(here, admin, REVOKE, { id: key.id }) }
    },
    'the token of a deactivated key': async () => {
      const key = await givenApiKey(here, admin)
      const token = await givenKeyToken(here, key)
      return { token, end: () => change(here, admin, UPDATE, { id: key.id, isActive: false }) }
    },
    "a key's token that is revoked alone": async () => {
      const key = await givenApiKey(here, admin)
      const token = await givenKeyToken(here, key)
      return { token, end: () => givenRevoked(here, token, key) }
    },
    "a user's token that is revoked alone": async () => {
      const { token } = await givenLogin(here, admin)
      return { token, end: () => givenRevoked(here, token) }
    },
    "a user's token whose refresh token is revoked": async () => {
      const { token, refreshToken } = await givenLogin(here, admin)
      return { token, end: () => givenRevoked(here, refreshToken) }
    },
    'an exchanged token that is revoked alone': async () => {
      const { token } = await givenExchanged()
      return { token, end: () => givenRevoked(here, token) }
    },
    'the exchanged token of a disabled issuer': async () => {
      const { token, owner, id } = await givenExchanged()
      const end = () => here.send(DISABLE, { token: owner.token, variables: { input: { id } } })
      return { token, end }
    },
    'the exchanged token for a suspended organization': async () => {
      const { token, owner } = await givenExchanged()
      return { token, end: () => operate(here, operator, 'suspend', owner.organizationId) }
    },
  } satisfies Record<string, () => Promise<{ token: string; end: () => Promise<unknown> }>>

  /** A token for the provider's user, in an organization that nobody else is in. */
  async function givenExchanged() {
    const owner = await givenPerson(here)
    const { id } = await givenRegistration(here, owner, provider.issuer)
    const answer = await exchange(here, provider.token(), {}, { 'x-tenant-id': owner.organizationId })
    return { token: tokenIn(answer), owner, id }
  }

  const reasonsThere = async (token: string) =>
    (await there.send('{ principal { kind } }', { token })).errors.map(({ extensions }) => extensions.reason as string)
  const ENDED = /^(REVOKED|ORGANIZATION_SUSPENDED)$/

  test.each(Object.entries(endings))('%s is refused by the other within a second', async (_name, given) => {
    const { token, end } = await given()
    for (let time = 1; time <= 2; time += 1) expect(await reasonsThere(token)).toEqual([])
    expect((await end()) ?? {}).not.toHaveProperty('errors.0')
    const start = performance.now()
    while ((await reasonsThere(token)).length === 0) expect(performance.now() - start).toBeLessThan(1_000)
    expect(await reasonsThere(token)).toEqual([expect.stringMatching(ENDED)])
  })

  test.each(Object.entries(endings))('with the channel cut, %s is refused all the same', async (_name, given) => {
    const { token, end } = await given()
    for (let time = 1; time <= 2; time += 1) expect(await reasonsThere(token)).toEqual([])
    await withoutChannel(there.databaseUrl ?? '', async () => {
      await end()
      expect(await reasonsThere(token)).toEqual([expect.stringMatching(ENDED)])
    })
  })

  test('with the channel cut, the other tells that a revoked token is none', async () => {
    const [asking, key] = [await givenApiKey(here, admin), await givenApiKey(here, admin)]
    const token = await givenKeyToken(here, key)
    expect(await stateTold(there, asking, token)).toMatchObject({ active: true })
    await withoutChannel(there.databaseUrl ?? '', async () => {
      await givenRevoked(here, token, key)
      expect(await stateTold(there, asking, token)).toEqual({ active: false })
    })
  })

  test('a key that is given by one instance gets its tokens from the other, for both', async () => {
    const key = await givenApiKey(here, admin)
    const token = await givenKeyToken(there, key)
    for (const server of [here, there]) expect((await server.send(PROJECTS, { token })).errors).toEqual([])
  })

  test('ten refreshes at once on both instances give one successor', async () => {
    const { refreshToken } = await givenLogin(here, admin)
    const answers = await together(10, (index) => refreshTokens(index % 2 ? here : there, refreshToken))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
  })

  test('a session that is ended on both instances at once is recorded as ended once', async () => {
    const { token, refreshToken } = await givenLogin(here, admin)
    await together(10, (index) => givenRevoked(index % 2 ? here : there, refreshToken))
    const events = await auditEvents(here, 'session.revoked')
    expect(events.filter(({ target_id }) => target_id === sessionIdOf(token)).length).toBe(1)
  })

  test('a token that is ended on both instances at once is recorded as ended once', async () => {
    const { token } = await givenLogin(here, admin)
    await together(10, (index) => givenRevoked(index % 2 ? here : there, token))
    const events = await auditEvents(here, 'access_token.revoked')
    expect(events.filter(({ target_id }) => target_id === claimsOf(token).jti).length).toBe(1)
  })
})
