import { expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer } from '../harness.ts'
import { givenClock, givenLogin, pairOf, refresh, sessionIdOf, stateOf } from './given-sessions.ts'

test('one session more than a user may have ends the one unused for longest, and nobody else', async () => {
  const { clock, advance } = givenClock()
  const server = await startServer({ clock, settings: { MAX_SESSIONS_PER_USER: '3' } })
  try {
    const [person, other] = [await givenPerson(server), await givenPerson(server)]
    advance(1)
    const unused = await givenLogin(server, person)
    advance(1)
    const used = await givenLogin(server, person)
    advance(1)
    // The oldest one, and the one used last.
    const oldest = pairOf(await refresh(server, person.refreshToken))
    expect(await stateOf(server, unused.token)).toBe('ok')
    const newest = await givenLogin(server, person)
    expect(await stateOf(server, unused.token)).toBe('REVOKED')
    expectError(await refresh(server, unused.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
    for (const { token } of [oldest, used, newest, other]) expect(await stateOf(server, token)).toBe('ok')
    const query = '{ me { a: sessions { id } b: sessions { id } } }'
    const { a, b } = (await server.send(query, { token: newest.token })).data.me
    expect(a.map(({ id }: { id: string }) => id)).toEqual([newest, used, oldest].map(({ token }) => sessionIdOf(token)))
    expect(b).toEqual(a)
  } finally {
    await server.close()
  }
})

test('a session that has just started stays, though others were used by a clock that runs ahead', async () => {
  const { clock, advance } = givenClock()
  const server = await startServer({ clock, settings: { MAX_SESSIONS_PER_USER: '1' } })
  try {
    const person = await givenPerson(server)
    advance(-30)
    const newest = await givenLogin(server, person)
    expect(await stateOf(server, person.token)).toBe('REVOKED')
    expect(await stateOf(server, newest.token)).toBe('ok')
  } finally {
    await server.close()
  }
})
