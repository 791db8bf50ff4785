import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { inTransaction } from '../../src/database/tenancy.ts'
import { startServer, type TestServer } from '../harness.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const throughTheDoor = (statement: string) =>
  inTransaction(server.app.services.database, { door: 'operator', organizationId: null, readOnly: false }, (em) =>
    em.execute(statement),
  )

test.each([
  'select * from projects',
  'select * from gateways',
  'select * from memberships',
  'select * from passwords',
  'select token_hash from sessions',
  'select reuse_key from sessions',
  'select * from sign_in_failures',
  "update users set email = 'x'",
  "update organizations set name = 'x'",
  'update audit_events set succeeded = true',
  'delete from audit_events',
  'delete from users',
  'delete from organizations',
])("the operators' door is closed to: %s", async (statement) => {
  await expect(throughTheDoor(statement)).rejects.toThrow(/permission denied/)
})
