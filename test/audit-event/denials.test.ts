import { expect, test } from '@jest/globals'
import { expectError, startServer } from '../harness.ts'
import { auditEvents } from '../session/given-sessions.ts'

test("nobody's denied mutation is recorded once a minute for what counts as one address", async () => {
  const server = await startServer({ settings: { TRUST_PROXY_HOPS: '1' } })
  try {
    const deniedFrom = async (address: string) => {
      const query = 'mutation { createProject(input: { name: "x" }) { project { id } } }'
      expectError(await server.send(query, { headers: { 'x-forwarded-for': address } }), 'UNAUTHENTICATED')
      return (await auditEvents(server, 'authorization.denied')).length
    }
    expect(await deniedFrom('2001:db8:1:2::1')).toBe(1)
    expect(await deniedFrom('2001:db8:1:2:3::4')).toBe(1)
    expect(await deniedFrom('2001:db8:1:3::1')).toBe(2)
  } finally {
    await server.close()
  }
})
