import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { expectError, givenPerson, startServer, type Person, type TestServer } from '../harness.ts'
import { logout, together, whoIs } from './given-sessions.ts'

/** What an address may have looked up without being known to anybody afterwards. */
const FREE = 20

let server: TestServer
let ada: Person
let ended: Person
beforeEach(async () => {
  server = await startServer({ settings: { RATE_LIMIT_ANONYMOUS_PER_MINUTE: String(FREE) } })
  ada = await givenPerson(server)
  ended = await givenPerson(server)
  await logout(server, ended.token)
})
afterEach(async () => {
  jest.restoreAllMocks()
  await server?.close()
})

/** As while the keys have to be read again before a token is verified. */
function verifyLate() {
  const { accessTokens } = server.app.services
  const verify = accessTokens.verifyCurrent.bind(accessTokens)
  return jest.spyOn(accessTokens, 'verifyCurrent').mockImplementation(async (text, beforeReading) => {
    await beforeReading()
    return verify(text, beforeReading)
  })
}

/** As while notifications may be lost. */
function missNews() {
  const { revocations } = server.app.services
  const isRevoked = revocations.isRevoked.bind(revocations)
  jest.spyOn(revocations, 'isRevoked').mockImplementation(async (claims) => isRevoked(claims))
  return jest.spyOn(revocations, 'isLive').mockReturnValue(false)
}

test.each([
  ['keys are', verifyLate],
  ['revocations are', missNews],
])(
  'while the %s read from the database, a revoked token has them read as often as others may, and no more',
  async (_, given) => {
    const reading = given()
    const known = await together(FREE + 5, () => whoIs(server, ada.token))
    expect(known.flatMap(({ errors }) => errors)).toEqual([])
    const refused = await together(FREE + 5, () => whoIs(server, ended.token))
    const reasons = refused.map(({ errors }) => errors[0]?.extensions.reason ?? errors[0]?.extensions.code)
    expect(new Set(reasons)).toEqual(new Set(['REVOKED', 'RATE_LIMITED']))
    expect(new Set(refused.map(({ errors }) => errors[0]?.message))).toContain('The access token has been revoked')
    expectError(await whoIs(server, ada.token), 'RATE_LIMITED')
    // Nothing is looked up where all is held in memory.
    reading.mockRestore()
    expect((await whoIs(server, ada.token)).errors).toEqual([])
  },
)
