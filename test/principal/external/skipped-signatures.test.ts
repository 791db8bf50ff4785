import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../../harness.ts'
import { encoded, givenIssuer, givenKeyPair, trusting, type Issuer } from './given-issuer.ts'

let server: TestServer
let issuer: Issuer
let ada: Person
let skewMs = 0

beforeAll(async () => {
  issuer = await givenIssuer()
  const settings = { ...trusting([issuer]), JWT_SKIP_VALIDATION: 'true' }
  server = await startServer({ settings, clock: () => new Date(Date.now() + skewMs) })
  ada = await givenPerson(server)
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

const read = (token: string) => server.send('{ projects { totalCount } }', { token })
const forged = (claims: Record<string, unknown> = {}) =>
  issuer.token({ organization: ada.organizationId, ...claims }, { kid: 'nobody' }, givenKeyPair('nobody'))
const warnings = () =>
  server.logged
    .map((line) => JSON.parse(line))
    .filter(({ level, msg }) => level === 40 && /JWT_SKIP_VALIDATION/.test(msg))

test('the signature is not looked at, the keys are not fetched, and the log says so', async () => {
  expect(warnings()).toHaveLength(1)
  expect(await read(forged())).toMatchObject({ status: 200, errors: [] })
  expect(await read(forged())).toMatchObject({ status: 200, errors: [] })
  expect(issuer.asked).toEqual({ keys: 0, metadata: 0 })
  expect(warnings()).toHaveLength(2)
  expect(warnings()[1]).toMatchObject({ issuer: issuer.issuer })
  skewMs = 60_000
  expect(await read(forged())).toMatchObject({ status: 200, errors: [] })
  expect(warnings()).toHaveLength(3)
})

test('everything else about a token is', async () => {
  expectError(await read(forged({ exp: 1 })), 'UNAUTHENTICATED', 'INVALID')
  expectError(await read(forged({ aud: 'another' })), 'UNAUTHENTICATED', 'INVALID')
  expectError(await read(forged({ organization: undefined })), 'UNAUTHENTICATED', 'INVALID')
  expectError(await read(forged({ scope: '' })), 'FORBIDDEN', 'INSUFFICIENT_SCOPE')
  expectError(await read(forged().replace(/^[^.]+/, encoded({ alg: 'none' }))), 'UNAUTHENTICATED', 'INVALID')
})

test("nobody becomes one of this server's own users by it", async () => {
  const [header = '', payload = ''] = ada.token.split('.')
  expectError(await read(`${header}.${payload}.AAAA`), 'UNAUTHENTICATED', 'INVALID')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const operator = { ...claims, operator: true, role: 'ADMIN', iss: issuer.issuer, aud: 'tenantry' }
  const answer = await server.send('{ principal { kind role scopes } platform { users { totalCount } } }', {
    token: forged(operator),
  })
  expect(answer.data).toEqual({ principal: { kind: 'EXTERNAL', role: null, scopes: [] }, platform: null })
  expectError(answer, 'FORBIDDEN', 'WRONG_KIND')
})
