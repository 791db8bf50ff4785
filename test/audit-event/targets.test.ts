import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { change, givenApiKey, REVOKE } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { DISABLE, givenRegistration, good } from '../issuer/given-registration.ts'
import { givenRevoked } from '../oauth/given-grants.ts'
import { givenOperator, operate } from '../platform/given-operator.ts'
import { asOwner, claimsOf, givenLogin, logout } from '../session/given-sessions.ts'

let server: TestServer
let admin: Person
beforeAll(async () => {
  server = await startServer()
  admin = await givenPerson(server)
})
afterAll(() => server.close())

interface Recorded {
  action: string
  target_type: string | null
  target_id: string | null
  details: Record<string, unknown> | null
}
const recorded = (...actions: string[]) =>
  asOwner<Recorded>(
    server,
    `select action, target_type, target_id, details from audit_events
     where action in (${actions.map(() => '?').join()}) order by created_at, id`,
    actions,
  )

test('the end of an API key and of an issuer say what has ended', async () => {
  const key = await givenApiKey(server, admin)
  await change(server, admin, REVOKE, { id: key.id })
  const issuer = await givenRegistration(server, admin, good.iss)
  await server.send(DISABLE, { token: admin.token, variables: { input: { id: issuer.id } } })
  expect(await recorded('api_key.revoked', 'issuer.registered', 'issuer.disabled')).toMatchObject([
    { action: 'api_key.revoked', target_type: 'ApiKey', target_id: key.id },
    { action: 'issuer.registered', target_type: 'Issuer', target_id: issuer.id },
    { action: 'issuer.disabled', target_type: 'Issuer', target_id: issuer.id },
  ])
})

test('the end of a session says which, and a logout how many', async () => {
  const [one, two] = [await givenLogin(server, admin), await givenLogin(server, admin)]
  const idOf = (token: string) => claimsOf(token).sid as string
  const revoke = 'mutation ($id: ID!) { revokeSession(input: { id: $id }) { session { id } } }'
  await server.send(revoke, { token: admin.token, variables: { id: idOf(one.token) } })
  await givenRevoked(server, two.refreshToken)
  await logout(server, (await givenLogin(server, admin)).token)
  expect(await recorded('session.revoked', 'user.logged_out')).toEqual([
    { action: 'session.revoked', target_type: 'Session', target_id: idOf(one.token), details: null },
    { action: 'session.revoked', target_type: 'Session', target_id: idOf(two.token), details: null },
    { action: 'user.logged_out', target_type: null, target_id: null, details: { everywhere: false, sessions: 1 } },
  ])
})

test("an operator's change says its particulars, and a refusal its reason", async () => {
  const operator = await givenOperator(server)
  const person = await givenPerson(server)
  await operate(server, operator, 'deactivate', person.userId)
  await operate(server, operator, 'activate', person.userId)
  await operate(server, operator, 'deactivate', operator.userId)
  await operate(server, operator, 'activate', 'no id')
  const events = await recorded('user.deactivated', 'user.activated')
  expect(events.map(({ details }) => details)).toEqual([
    { sessions: 1 },
    null,
    { reason: 'OWN_ACCOUNT' },
    { reason: 'NOT_FOUND' },
  ])
})
