import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import {
  expectError,
  givenPerson,
  PASSWORD,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'
import {
  auditEvents,
  changePassword,
  pairOf,
  refresh,
  sessionIdOf,
  stateOf,
  switchOrganization,
} from './given-sessions.ts'

let server: TestServer
let holder: Client
beforeAll(async () => {
  server = await startServer()
  holder = new Client({ connectionString: server.databaseUrl ?? '' })
  await holder.connect()
})
afterAll(async () => {
  await holder?.end()
  await server?.close()
})

/** Lets everybody who changes the session wait, in the order in which they come. */
async function holdSession<T>({ token }: Person, work: () => Promise<T>): Promise<T> {
  await holder.query('begin')
  await holder.query('select 1 from sessions where id = $1 for update', [sessionIdOf(token)])
  const working = work()
  await sleep(300)
  await holder.query('commit')
  return working
}

const replacing: [name: string, operation: (person: Person) => Promise<Answer>][] = [
  ['switchOrganization', ({ token, organizationId }) => switchOrganization(server, token, organizationId)],
  ['changePassword', ({ token }) => changePassword(server, token, PASSWORD, 'a new password 8')],
]

test.each(replacing)('%s right after a refresh makes no reuse of the token that came of it', async (_, operation) => {
  const person = await givenPerson(server)
  const [refreshed, replaced] = await holdSession(person, async () => {
    const renewing = refresh(server, person.refreshToken)
    await sleep(150)
    return Promise.all([renewing, operation(person)])
  })
  const next = pairOf(replaced)
  expectError(await refresh(server, pairOf(refreshed).refreshToken), 'UNAUTHENTICATED', 'INVALID')
  expect(await stateOf(server, next.token)).toBe('ok')
  expect((await refresh(server, next.refreshToken)).errors).toEqual([])
  expect(await auditEvents(server, 'session.reuse_detected')).toEqual([])
})
