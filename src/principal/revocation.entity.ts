import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../database/columns.ts'
import { roles } from '../database/roles.ts'

export const revocationKinds = ['SESSION', 'USER', 'MEMBERSHIP', 'ORGANIZATION', 'TOKEN'] as const
export type RevocationKind = (typeof revocationKinds)[number]

/** What no access token may be accepted for any more, for as long as such a token could live. */
export const Revocation = defineEntity({
  name: 'Revocation',
  tableName: 'revocations',
  properties: {
    ...everyTable,
    kind: p.enum(revocationKinds),
    /** The id of the session, user, membership, organization or token. */
    subjectId: p.uuid(),
    /** Tokens that carry a lower version end; null: all of them. */
    belowVersion: p.integer().nullable(),
    expiresAt: p.datetime(3),
  },
  rowLevelSecurity: 'force',
  indexes: [{ properties: ['expiresAt'] }, { properties: ['kind', 'subjectId'] }],
  policies: [
    {
      name: 'revocations_all',
      roles: [roles.server, roles.authentication, roles.operator],
      using: 'true',
      check: 'true',
    },
  ],
})

export type RevocationRow = InferEntity<typeof Revocation>
