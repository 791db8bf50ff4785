import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { givenApiKey, PROJECTS } from '../api-key/given-api-key.ts'
import { ownerOf } from '../database/given-database.ts'
import { givenPerson, type Person, type TestServer } from '../harness.ts'
import { givenProvider, givenRegistration, onThisMachine, type Provider } from '../issuer/given-registration.ts'
import { givenIssuer, trusting, type Issuer } from '../principal/external/given-issuer.ts'
import { claimsOf } from '../session/given-sessions.ts'
import { exchange, expectTooMany, givenKeyToken, introspect, revokeToken, stateTold, tokenIn } from './given-grants.ts'
import { givenOAuthServer } from './given-oauth.ts'

let server: TestServer
let issuer: Issuer
let provider: Provider
let ada: Person
let bob: Person

beforeAll(async () => {
  ;[issuer, provider] = [await givenIssuer(), await givenProvider()]
  server = await givenOAuthServer({ ...trusting([issuer]), ...onThisMachine })
  ;[ada, bob] = [await givenPerson(server, 'Ours'), await givenPerson(server, 'Theirs')]
})
afterAll(async () => {
  await server?.close()
  await Promise.all([issuer?.close(), provider?.close()])
})

const at = (person: Person) => ({ 'x-tenant-id': person.organizationId })

test('two organizations that register the same issuer never have users of one name', async () => {
  const stranger = await givenProvider()
  await givenRegistration(server, ada, provider.issuer)
  // The same `iss`, with keys of somebody else.
  await givenRegistration(server, bob, provider.issuer, { jwksUri: stranger.jwksUri })
  const ours = claimsOf(tokenIn(await exchange(server, provider.token(), {}, at(ada))))
  const theirs = claimsOf(tokenIn(await exchange(server, provider.token({}, stranger.keys[0]), {}, at(bob))))
  await stranger.close()
  expect(ours.sub).toBe(`${provider.issuer}#${ada.organizationId}#somebody`)
  expect(theirs.sub).not.toBe(ours.sub)
})

test('whom an organization trusts is not told to who has no token of theirs', async () => {
  await givenRegistration(server, ada, 'https://trusted.example.com').catch(() => undefined)
  const [, payload] = provider.token({ iss: 'https://trusted.example.com' }).split('.')
  const [header, , signature] = provider.token({ iss: 'https://nobody.example.com' }).split('.')
  const trusted = await exchange(server, [header, payload, signature].join('.'), {}, at(ada))
  const unknown = await exchange(server, provider.token({ iss: 'https://nobody.example.com' }), {}, at(ada))
  expect(trusted.status).toBe(400)
  expect(unknown.body).toEqual(trusted.body)
})

test('where the organization demands a key, a token is told to be what it is together with the key that asks', async () => {
  const owner = await givenPerson(server, 'Demanding')
  const key = await givenApiKey(server, owner, { scopes: ['read:projects'] })
  const external = tokenIn(await exchange(server, issuer.token({ organization: owner.organizationId })))
  const scopesTold = async (token: string) => ((await stateTold(server, key, token)) as { scope: string }).scope
  expect(await scopesTold(owner.token)).toBe('*:*')
  expect(await scopesTold(external)).toBe('read:*')
  const demand = 'mutation { updateOrganization(input: { requiresTenantApiKey: true }) { organization { id } } }'
  expect((await server.send(demand, { token: owner.token })).errors).toEqual([])
  expect(await scopesTold(owner.token)).toBe('read:projects')
  expect(await scopesTold(external)).toBe('read:projects')
  expect(await scopesTold(await givenKeyToken(server, key))).toBe('read:projects')
})

test('an issuer lends nobody the name of a user of the server', async () => {
  const key = await givenApiKey(server, ada)
  const claims = { organization: ada.organizationId, email: ada.email, preferred_username: ada.email }
  const told = await stateTold(server, key, tokenIn(await exchange(server, issuer.token(claims))))
  expect(told).toMatchObject({ active: true, kind: 'EXTERNAL' })
  expect(JSON.stringify(told)).not.toContain(ada.email)
})

test('whether a token is valid is not told to a client that it was not given to', async () => {
  const [own, foreign] = [await givenApiKey(server, ada), await givenApiKey(server, bob)]
  const token = await givenKeyToken(server, own)
  const ended = await givenKeyToken(server, own)
  expect((await revokeToken(server, ended, own)).status).toBe(200)
  for (const client of [foreign, null]) {
    expect((await revokeToken(server, token, client)).body).toEqual((await revokeToken(server, ended, client)).body)
  }
  expect((await introspect(server, foreign, token)).body).toEqual({ active: false })
  expect((await server.send(PROJECTS, { token })).errors).toEqual([])
})

test('of twenty who end one token at once, one has ended it', async () => {
  const key = await givenApiKey(server, ada)
  const token = await givenKeyToken(server, key)
  const answers = await Promise.all(Array.from({ length: 20 }, () => revokeToken(server, token, key)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const person = await givenPerson(server)
  await Promise.all(Array.from({ length: 20 }, () => revokeToken(server, person.refreshToken)))
  const owner = await ownerOf(server.app.services.database, server.databaseUrl)
  const count = async (query: string, ...values: unknown[]) => (await owner.run(query, values)).length
  expect(await count('select 1 from revocations where subject_id = $1', claimsOf(token).jti)).toBe(1)
  expect(await count('select 1 from audit_events where target_id = $1', claimsOf(token).jti)).toBe(1)
  const ofSession = `select 1 from audit_events where action = 'session.revoked' and actor_id = $1`
  expect(await count(ofSession, person.userId)).toBe(1)
  await owner.end()
})

test('an organization cannot fill the memory of instances with tokens that it obtains to end them', async () => {
  const limited = await givenOAuthServer({ RATE_LIMIT_SIGN_IN_PER_ADDRESS_PER_MINUTE: '5' })
  try {
    const key = await givenApiKey(limited, await givenPerson(limited))
    const another = await givenApiKey(limited, await givenPerson(limited))
    const endOne = async (client = key) => revokeToken(limited, await givenKeyToken(limited, client), client)
    for (let time = 1; time <= 5; time += 1) expect((await endOne()).status).toBe(200)
    expectTooMany(await endOne())
    expect((await endOne(another)).status).toBe(200)
  } finally {
    await limited.close()
  }
})

test('an issuer that an organization has registered makes up no users to get around its limit', async () => {
  const limited = await givenOAuthServer({ ...onThisMachine, RATE_LIMIT_ISSUER_PER_MINUTE: '6' })
  try {
    const [one, other] = [await givenPerson(limited), await givenPerson(limited)]
    for (const person of [one, other]) await givenRegistration(limited, person, provider.issuer)
    let users = 0
    const next = () => provider.token({ sub: `made up ${(users += 1)}` })
    const ask = (person: Person) => limited.send('{ principal { kind } }', { token: next(), headers: at(person) })
    for (let time = 1; time <= 3; time += 1) expect((await ask(one)).errors).toEqual([])
    for (let time = 1; time <= 3; time += 1) tokenIn(await exchange(limited, next(), {}, at(one)))
    expect((await ask(one)).status).toBe(429)
    expectTooMany(await exchange(limited, next(), {}, at(one)))
    expect((await ask(other)).errors).toEqual([])
  } finally {
    await limited.close()
  }
})
