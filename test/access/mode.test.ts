import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  expectError,
  givenMember,
  givenPerson,
  startServer,
  type Answer,
  type Person,
  type TestServer,
} from '../harness.ts'

interface Given {
  server: TestServer
  admin: Person
  viewer: Person
}

let partial: Given
let strict: Given
beforeAll(async () => {
  partial = await givenViewer({})
  strict = await givenViewer({ AUTHORIZATION_MODE: 'reject' })
})
afterAll(async () => {
  await partial?.server.close()
  await strict?.server.close()
})

async function givenViewer(settings: Record<string, string>): Promise<Given> {
  const server = await startServer({ settings })
  const admin = await givenPerson(server)
  return { server, admin, viewer: await givenMember(server, admin, 'VIEWER') }
}

/** A VIEWER's answers, each after the ADMIN's: from the second time on a query is executed in a form that was prepared. */
async function askThrice({ server, admin, viewer }: Given, mode?: string): Promise<Answer[]> {
  const query = '{ me { id } apiKeys { totalCount } }'
  const headers: Record<string, string> = mode ? { 'x-authorization-mode': mode } : {}
  const answers: Answer[] = []
  for (let time = 0; time < 3; time += 1) {
    const whole = await server.send(query, { token: admin.token, headers })
    expect(whole.errors).toEqual([])
    expect(whole.data).toEqual({ me: { id: admin.userId }, apiKeys: { totalCount: 0 } })
    answers.push(await server.send(query, { token: viewer.token, headers }))
  }
  return answers
}

function expectDenied(answer: Answer): void {
  expectError(answer, 'FORBIDDEN', 'INSUFFICIENT_ROLE')
  expect(answer.errors[0]?.path).toEqual(['apiKeys'])
}

test.each([undefined, 'partial', 'whatever'])(
  'a query is served without the field that it is denied, with the mode %s',
  async (mode) => {
    for (const answer of await askThrice(partial, mode)) {
      expectDenied(answer)
      expect(answer.status).toBe(200)
      expect(answer.data).toEqual({ me: { id: partial.viewer.userId }, apiKeys: null })
    }
  },
)

test('a query that is denied a field is refused as a whole where the caller demands it', async () => {
  for (const answer of await askThrice(partial, 'reject')) {
    expectDenied(answer)
    expect([answer.status, answer.data]).toEqual([403, undefined])
  }
})

test.each([undefined, 'reject', 'partial'])(
  'it is refused so where the server demands it, and the mode %s loosens nothing',
  async (mode) => {
    for (const answer of await askThrice(strict, mode)) {
      expectDenied(answer)
      expect([answer.status, answer.data]).toEqual([403, undefined])
    }
  },
)
