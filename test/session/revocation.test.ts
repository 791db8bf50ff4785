import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { CLOCK_ERROR_SECONDS } from '../../src/clock.ts'
import type { UserTokenClaims } from '../../src/principal/access-token-claims.ts'
import {
  givenMember,
  givenPerson,
  PASSWORD,
  POSTGRES_URL,
  startServer,
  type Person,
  type TestServer,
} from '../harness.ts'
import { holdIntervals } from '../principal/given-revocations.ts'
import { rounds } from '../rounds.ts'
import {
  asOwner,
  changePassword,
  claimsOf,
  givenClock,
  givenLogin,
  logout,
  refresh,
  stateOf,
  switchOrganization,
  together,
  whoIs,
} from './given-sessions.ts'

const { clock, advance } = givenClock()
let server: TestServer
/** Another instance on the same database; the embedded one has a single process, so there it is the same. */
let other: TestServer

beforeAll(async () => {
  server = await startServer({ clock })
  other = POSTGRES_URL ? await startServer({ clock, databaseUrl: server.databaseUrl }) : server
})
afterAll(async () => {
  if (other !== server) await other.close()
  await server.close()
})
afterEach(() => void jest.restoreAllMocks())

const LIFETIME_SECONDS = 1_800 + 120
const isRevoked = async (of: TestServer, token: string) =>
  of.app.services.revocations.isRevoked(claimsOf(token) as unknown as UserTokenClaims)

async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it has not come to hold')
    await sleep(5)
  }
}

async function mutate(field: string, person: Person, variables: Record<string, unknown>): Promise<void> {
  const type = `${field[0]?.toUpperCase() ?? ''}${field.slice(1)}Input!`
  const answer = await server.send(`mutation ($input: ${type}) { ${field}(input: $input) { __typename } }`, {
    token: person.token,
    variables: { input: variables },
  })
  expect(answer.errors).toEqual([])
}

/** Counts how often the server goes to the database, for whatever it does. */
function countDatabaseUses(of: TestServer): () => number {
  const { em } = of.app.services.database.orm
  const connection = em.getConnection()
  const spies = [jest.spyOn(em, 'fork'), jest.spyOn(connection, 'execute'), jest.spyOn(connection, 'begin')]
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
}

const endings: [what: string, end: (admin: Person, member: Person & { membershipId: string }) => Promise<unknown>][] = [
  ['logout', (_, member) => logout(server, member.token)],
  ['logout everywhere', async (_, member) => logout(server, (await givenLogin(server, member)).token, true)],
  ['a new password', (_, member) => changePassword(server, member.token, PASSWORD, 'a new password 8')],
  ['a lower role', (admin, { membershipId }) => mutate('changeMemberRole', admin, { membershipId, role: 'VIEWER' })],
  ['a higher role', (admin, { membershipId }) => mutate('changeMemberRole', admin, { membershipId, role: 'ADMIN' })],
  ['removal', (admin, { membershipId }) => mutate('removeMember', admin, { membershipId })],
  ['leaving', (_, { token }) => server.send('mutation { leaveOrganization { __typename } }', { token })],
  [
    'the deletion of the organization',
    (admin) => mutate('deleteOrganization', admin, { confirmSlug: admin.organizationSlug }),
  ],
  [
    'reuse of a refresh token',
    async (_, { refreshToken }) => {
      await refresh(server, refreshToken)
      advance(60)
      await refresh(server, refreshToken)
    },
  ],
]

test.each(endings)('%s is in force on the next request here, and at once on every instance', async (_, end) => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'DEVELOPER')
  expect(await stateOf(other, member.token)).toBe('ok')
  await end(admin, member)
  expect(await stateOf(server, member.token)).toBe('REVOKED')
  await eventually(async () => (await stateOf(other, member.token)) === 'REVOKED')
})

test('what ends for one member goes on for the others, and for the member elsewhere', async () => {
  const admin = await givenPerson(server)
  const [removed, stays] = [await givenMember(server, admin, 'ADMIN'), await givenMember(server, admin, 'VIEWER')]
  const elsewhere = await server.send(
    'mutation { createOrganization(input: { name: "Elsewhere" }) { organization { id } } }',
    { token: removed.token },
  )
  const { id } = elsewhere.data.createOrganization.organization
  const { data } = await switchOrganization(server, removed.token, id)
  await mutate('removeMember', admin, { membershipId: removed.membershipId })
  expect(await stateOf(server, removed.token)).toBe('REVOKED')
  expect(await stateOf(server, data.switchOrganization.accessToken)).toBe('ok')
  expect(await stateOf(server, stays.token)).toBe('ok')
  expect(await stateOf(server, admin.token)).toBe('ok')
})

test('who is made a member again is one, with new tokens alone', async () => {
  const admin = await givenPerson(server)
  const member = await givenMember(server, admin, 'VIEWER')
  await mutate('removeMember', admin, { membershipId: member.membershipId })
  await mutate('addMember', admin, { email: member.email, role: 'VIEWER' })
  const again = await givenLogin(server, member, admin.organizationId)
  expect(await stateOf(server, again.token)).toBe('ok')
  expect(await stateOf(server, member.token)).toBe('REVOKED')
})

test('whether a token is revoked is known without going to the database', async () => {
  const person = await givenPerson(other)
  const ended = await givenLogin(other, person)
  await logout(other, ended.token)
  const uses = countDatabaseUses(other)
  const ask = '{ principal { kind subject role scopes } }'
  for (let request = 0; request < 20; request += 1) {
    expect((await other.send(ask, { token: person.token })).errors).toEqual([])
    expect((await other.send(ask, { token: ended.token })).errors.length).toBe(1)
  }
  expect(uses()).toBe(0)
  // The count does count.
  await other.send(ask, { token: person.token, headers: { 'x-tenant-id': person.organizationId.toUpperCase() } })
  expect(uses()).toBeGreaterThan(0)
})

test('an entry is held for as long as a token could live by a clock that is set back, and no longer', async () => {
  const person = await givenPerson(server)
  await logout(server, person.token)
  advance(LIFETIME_SECONDS + CLOCK_ERROR_SECONDS - 1)
  expect(await isRevoked(server, person.token)).toBe(true)
  advance(1)
  expect(await isRevoked(server, person.token)).toBe(false)
  expect(await stateOf(server, person.token)).toBe('EXPIRED')
})

test.each(['x', '{}', 'null', '[null]', '[{"kind":"SESSION"}]', '{"lifted":true}', '7', ''])(
  'the notification %j, made up by somebody, neither ends the process nor lets a token in',
  async (payload) => {
    const person = await givenPerson(server)
    const ended = await givenLogin(server, person)
    await logout(server, ended.token)
    await asOwner(server, `select pg_notify('tenantry_revocations', ?)`, [payload])
    await sleep(20)
    for (const instance of [server, other]) {
      await eventually(async () => (await stateOf(instance, ended.token)) === 'REVOKED')
      expect(await stateOf(instance, person.token)).toBe('ok')
    }
  },
)

test('where the table cannot be read again, what was revoked stays revoked, and the log tells', async () => {
  const person = await givenPerson(server)
  await logout(server, person.token)
  const failing = jest.spyOn(server.app.services.database.orm.em, 'fork').mockImplementationOnce(() => {
    throw new Error('out of order')
  })
  await asOwner(server, `select pg_notify('tenantry_revocations', '{"lifted":true}')`)
  await eventually(() => failing.mock.calls.length > 0)
  await eventually(() => server.logged.some((line) => line.includes('could not be read again')))
  expect(await stateOf(server, person.token)).toBe('REVOKED')
})

/** A server of its own, whose clock can be moved and whose table can be cleaned. */
async function withCleaning(
  work: (own: TestServer, advance: (seconds: number) => void, clean: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const pass = holdIntervals()
  const time = givenClock()
  const own = await startServer({ clock: time.clock })
  const clean = () => pass(600_000)
  try {
    await work(own, time.advance, clean)
  } finally {
    jest.useRealTimers()
    await own.close()
  }
}

test('entries that have expired are removed from the table', () =>
  withCleaning(async (own, advanceOwn, clean) => {
    const person = await givenPerson(own, null)
    const kept = await givenLogin(own, person)
    await logout(own, person.token)
    advanceOwn(LIFETIME_SECONDS + CLOCK_ERROR_SECONDS + 1)
    const renewed = (await refresh(own, kept.refreshToken)).data.refresh
    await logout(own, renewed.accessToken)
    await clean()
    const left = await asOwner<{ subject_id: string }>(own, 'select subject_id from revocations')
    expect(left).toEqual([{ subject_id: claimsOf(kept.token).sid }])
    expect(await stateOf(own, renewed.accessToken)).toBe('REVOKED')
  }))

test('a token that has ended does not live again when a clock that ran ahead is set back', () =>
  withCleaning(async (own, advanceOwn, clean) => {
    const before = await givenPerson(own, null)
    await logout(own, before.token)
    advanceOwn(3_600)
    await clean()
    advanceOwn(-3_600)
    expect(await stateOf(own, before.token)).toBe('REVOKED')
  }))

// Several instances, and a listener that can be cut off, are there on a PostgreSQL server alone.
const onPostgres: [promise: string, run: () => Promise<void>][] = POSTGRES_URL
  ? [
      [
        'an instance that starts later reads what was revoked before',
        async () => {
          const person = await givenPerson(server)
          await logout(server, person.token)
          const late = await startServer({ clock, databaseUrl: server.databaseUrl })
          try {
            expect(await stateOf(late, person.token)).toBe('REVOKED')
          } finally {
            await late.close()
          }
        },
      ],
      [
        'while the listener is cut off the database is asked, and what was missed is known when it is back',
        async () => {
          for (let round = 0; round < rounds(5); round += 1) {
            const person = await givenPerson(server)
            const stays = await givenPerson(server)
            await cutListeners()
            await eventually(() => !other.app.services.revocations.isLive())
            await logout(server, person.token)
            expect(await stateOf(other, person.token)).toBe('REVOKED')
            expect(await stateOf(other, stays.token)).toBe('ok')
            await eventually(() => other.app.services.revocations.isLive())
            const uses = countDatabaseUses(other)
            expect(await isRevoked(other, person.token)).toBe(true)
            expect(await isRevoked(other, stays.token)).toBe(false)
            expect(uses()).toBe(0)
            jest.restoreAllMocks()
          }
        },
      ],
      [
        'a role that changes while the listener is cut off is known to the database by its version',
        async () => {
          const admin = await givenPerson(server)
          const member = await givenMember(server, admin, 'DEVELOPER')
          await cutListeners()
          await eventually(() => !other.app.services.revocations.isLive())
          await mutate('changeMemberRole', admin, { membershipId: member.membershipId, role: 'VIEWER' })
          expect(await stateOf(other, member.token)).toBe('REVOKED')
          const again = (await refresh(server, member.refreshToken)).data.refresh
          expect((await whoIs(other, again.accessToken)).data.principal.role).toBe('VIEWER')
          await eventually(() => other.app.services.revocations.isLive())
          expect(await stateOf(other, again.accessToken)).toBe('ok')
          expect(await stateOf(other, member.token)).toBe('REVOKED')
        },
      ],
      [
        'a listener that is cut off again and again while sessions end lets none of them in',
        async () => {
          for (let round = 0; round < rounds(15); round += 1) {
            const person = await givenPerson(server, null)
            await Promise.all([cutListeners(), logout(server, person.token)])
            await eventually(async () => (await stateOf(other, person.token)) === 'REVOKED')
            await sleep(round * 40)
            expect(await stateOf(other, person.token)).toBe('REVOKED')
          }
        },
      ],
      [
        'ten refreshes at once on two instances give one successor',
        async () => {
          let { refreshToken } = await givenPerson(server, null)
          for (let round = 0; round < rounds(10); round += 1) {
            const answers = await together(10, (index) => refresh(index % 2 ? server : other, refreshToken))
            const successors = new Set(answers.map(({ data }) => String(data.refresh.refreshToken)))
            expect(successors.size).toBe(1)
            refreshToken = [...successors][0] ?? ''
          }
        },
      ],
    ]
  : []

/** Ends every listener's connection, as a failing network or a restarting server would. */
function cutListeners(): Promise<unknown> {
  return asOwner(
    server,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'tenantry listener' and datname = current_database()`,
  )
}

for (const [promise, run] of onPostgres) test(promise, run)
