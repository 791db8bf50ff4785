import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { expectError, startServer, type TestServer } from '../harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { expiresIn } }'

describe('text that no column can hold', () => {
  for (const [what, text] of [
    ['U+0000', 'a\0b'],
    ['half a surrogate pair', 'a\ud800b'],
  ] as const) {
    test(`${what} in a variable is refused with its path`, async () => {
      const answer = await server.send(LOGIN, { variables: { input: { email: 'a@b.test', password: text } } })
      expectError(answer, 'BAD_USER_INPUT')
      expect(answer.errors[0]?.extensions.inputs[0].path).toEqual(['input', 'password'])
    })

    test(`${what} in the document is refused each time`, async () => {
      const escaped = JSON.stringify(text)
      const query = `mutation { login(input: { email: "a@b.test", password: ${escaped} }) { expiresIn } }`
      for (let time = 0; time < 2; time += 1) {
        const answer = await server.send(query)
        expect(answer.errors.map(({ extensions }) => extensions.code)).not.toContain('INTERNAL_SERVER_ERROR')
        expect(answer.errors).toHaveLength(1)
      }
    })
  }

  test('every other character passes', async () => {
    const answer = await server.send(LOGIN, {
      variables: { input: { email: 'a@b.test', password: '\u{1F511}\u0001é' } },
    })
    expectError(answer, 'UNAUTHENTICATED', 'INVALID_CREDENTIALS')
  })
})

test('values nested without end are refused, and not walked', async () => {
  const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"query":"{ __typename }","variables":{"deep":${deep}}}`,
  })
  expect(response.status).toBeLessThan(500)
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] })
})
