import { expect, test } from '@jest/globals'
import { expectError, givenPerson, startServer } from '../harness.ts'
import { givenLogin, refresh, sessionIdOf, stateOf } from './given-sessions.ts'

test('one session more than a user may have ends the oldest, on its own and nobody else', async () => {
  const server = await startServer({ settings: { MAX_SESSIONS_PER_USER: '3' } })
  try {
    const [person, other] = [await givenPerson(server), await givenPerson(server)]
    const oldest = { token: person.token, refreshToken: person.refreshToken }
    const others = [await givenLogin(server, person), await givenLogin(server, person)]
    expect(await stateOf(server, oldest.token)).toBe('ok')
    const newest = await givenLogin(server, person)
    expect(await stateOf(server, oldest.token)).toBe('REVOKED')
    expectError(await refresh(server, oldest.refreshToken), 'UNAUTHENTICATED', 'REVOKED')
    for (const { token } of [...others, newest, other]) expect(await stateOf(server, token)).toBe('ok')
    const query = '{ me { a: sessions { id } b: sessions { id } } }'
    const { a, b } = (await server.send(query, { token: newest.token })).data.me
    expect(a.map(({ id }: { id: string }) => id)).toEqual(
      [newest, ...others.toReversed()].map(({ token }) => sessionIdOf(token)),
    )
    expect(b).toEqual(a)
  } finally {
    await server.close()
  }
})
