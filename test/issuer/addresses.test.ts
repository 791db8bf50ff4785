import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type TestServer } from '../harness.ts'
import { givenNameServer, type NameServer } from '../principal/external/given-name-server.ts'
import {
  askAs,
  givenProvider,
  givenRegistration,
  onThisMachine,
  REGISTER,
  type Provider,
} from './given-registration.ts'

/** On Linux every address of 127.0.0.0/8 is this machine, so that nobody else listens there. */
const HERE =
  process.platform === 'linux' ? `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}` : '127.0.0.1'

let server: TestServer
let names: NameServer
let inside: Server
let connections = 0
/** What every name has at the moment. */
let addresses: readonly string[] = [HERE]

beforeAll(async () => {
  server = await startServer({ settings: onThisMachine })
  names = await givenNameServer(() => addresses)
  inside = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((done) => inside.listen(8443, HERE, done))
})
afterAll(async () => {
  await new Promise((done) => inside.close(done))
  await names.close()
  await server.close()
})

/** Why the server did not get the keys of an issuer, as it has logged. */
const causesOf = (issuer: string) =>
  server.logged
    .map((line) => JSON.parse(line) as { issuer?: string; cause?: string; msg: string })
    .filter(({ issuer: told, msg }) => told === issuer && msg.includes('keys of an issuer'))
    .map(({ cause }) => cause)

/** Sends a token of a provider that is registered like this: it is refused like any that is bad. */
async function refusalOf(provider: Provider, input: Record<string, unknown> = {}) {
  const person = await givenPerson(server)
  const { iss } = await givenRegistration(server, person, provider.issuer, input)
  const answer = await askAs(server, provider.token({ iss }), person.organizationId)
  expect(answer.status).toBe(401)
  expectError(answer, 'UNAUTHENTICATED', 'INVALID')
  expect(answer.errors[0]!.message).toBe('The access token is not valid')
  return causesOf(iss)
}

test.each([
  ['this machine', [HERE]],
  ['a private network', ['10.1.2.3']],
  ['the metadata of a cloud', ['169.254.169.254']],
  ['this machine by IPv6', ['0:0:0:0:0:0:0:1']],
  ['this machine beside a public address', ['93.184.215.14', HERE]],
])('a name that leads to %s is not connected to, for keys nor for metadata', async (_, found) => {
  addresses = found
  const provider = await givenProvider()
  try {
    const keys = await refusalOf(provider, { jwksUri: 'https://keys.example.com:8443/keys' })
    expect(keys).toEqual(['the host has a private address'])
    const iss = `https://id-${randomInt(1e9)}.example.com:8443`
    expect(await refusalOf(provider, { iss })).toEqual(['the host has a private address'])
  } finally {
    await provider.close()
  }
  expect(connections).toBe(0)
})

test('metadata lead to no private address: neither one that they name, nor one that they redirect to', async () => {
  addresses = [HERE]
  for (const target of [`https://${HERE}:8443/keys`, 'https://id.example.com:8443/keys', `http://${HERE}:8443/keys`]) {
    const provider = await givenProvider(target)
    try {
      expect(await refusalOf(provider)).toHaveLength(1)
      const person = await givenPerson(server)
      const jwksUri = `${provider.issuer}/moved`
      await givenRegistration(server, person, provider.issuer, { jwksUri })
      expectError(await askAs(server, provider.token(), person.organizationId), 'UNAUTHENTICATED', 'INVALID')
      expect(causesOf(provider.issuer)).toContain('status 302')
      expect(provider.connections()).toBe(2)
    } finally {
      await provider.close()
    }
  }
  expect(connections).toBe(0)
})

test('only hosts that the server names may be private, and they are not connected to by being registered', async () => {
  const provider = await givenProvider()
  const strict = await startServer()
  try {
    const person = await givenPerson(strict)
    const input = { iss: provider.issuer, audiences: ['the-api'], maxScopes: ['read:*'] }
    expectError(await strict.send(REGISTER, { token: person.token, variables: { input } }), 'BAD_USER_INPUT')
    await givenRegistration(server, await givenPerson(server), provider.issuer)
    expect(provider.connections()).toBe(0)
  } finally {
    await strict.close()
    await provider.close()
  }
})
