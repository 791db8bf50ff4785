import { revokeSigningKey, rotateSigningKey } from '../../src/principal/signing-key-table.ts'
import { signingKeyTable } from '../../src/principal/start-signing-keys.ts'
import type { TestServer } from '../harness.ts'
import { givenLog } from './given-signing-keys.ts'

/** What `npm run keys:signing` does on the database of a server, by a clock that is moved. @returns the ids of keys */
export function operatorOfKeys({ app }: TestServer, clock: () => Date) {
  const { config, database } = app.services
  const table = signingKeyTable(config, { database, log: givenLog().log, clock })
  return {
    rotate: async () => (await rotateSigningKey(table)).kid,
    revoke: async (kid: string) => (await revokeSigningKey(table, kid)).kid,
  }
}
