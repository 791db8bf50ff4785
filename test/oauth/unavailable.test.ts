import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ownerOf } from '../database/given-database.ts'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { refreshTokens } from './given-grants.ts'

const REFRESH = 'mutation ($token: String!) { refresh(input: { refreshToken: $token }) { accessToken } }'
let server: TestServer
let owner: Awaited<ReturnType<typeof ownerOf>>
let person: Person

beforeAll(async () => {
  server = await startServer()
  owner = await ownerOf(server.app.services.database, server.databaseUrl)
  person = await givenPerson(server)
})
afterAll(async () => {
  await owner.end()
  await server.close()
})

const grant = () => refreshTokens(server, person.refreshToken)

test('with a full disk no token is renewed, the client is told when to ask again, and the one in hand stays good', async () => {
  await owner.run(`do $$ begin
    create function full_disk() returns trigger language plpgsql as
      'begin raise exception ''No space left on device'' using errcode = ''disk_full''; end';
    create trigger full_disk before update on sessions for each row execute function full_disk(); end $$`)
  const answer = await grant()
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  expect(answer.body).toEqual({
    error: 'temporarily_unavailable',
    error_description: 'The database cannot be reached now',
  })
  const byGraphql = await server.send(REFRESH, { variables: { token: person.refreshToken } })
  expect([byGraphql.status, byGraphql.headers.get('retry-after')]).toEqual([503, '1'])
  expectError(byGraphql, 'UNAVAILABLE')
  await owner.run('drop trigger full_disk on sessions')
  expect((await grant()).status).toBe(200)
})
