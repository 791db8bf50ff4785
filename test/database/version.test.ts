import { expect, test } from '@jest/globals'
import type { Client } from 'pg'
import { assertVersion } from '../../src/database/migrate.ts'

test.each([140_009, 90_600, undefined])('a server of version %s is refused', async (version) => {
  const client = { query: async () => ({ rows: version ? [{ version }] : [] }) } as unknown as Client
  await expect(assertVersion(client)).rejects.toThrow('PostgreSQL 15 or newer is needed')
})

test.each([150_000, 180_001])('a server of version %s is served from', async (version) => {
  await assertVersion({ query: async () => ({ rows: [{ version }] }) } as unknown as Client)
})
