import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { serverAudits } from 'graphql-http'
import { givenServer, type GivenServer } from './given-server.ts'

let server: GivenServer
beforeAll(async () => {
  server = await givenServer({ config: { sandbox: true } })
})
afterAll(() => server.close())

const audits = serverAudits({ url: () => `${server.url}/graphql` })

test('all 61 audits are known', () => {
  expect(audits).toHaveLength(61)
})

describe('GraphQL over HTTP', () => {
  for (const audit of audits) {
    test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn()
      expect('reason' in result ? result.reason : result.status).toBe('ok')
    })
  }
})
