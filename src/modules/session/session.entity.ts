import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { User } from '../user/user.entity.ts'

/** One login: one row, however often its refresh token is renewed. No column holds a token. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    ...everyTable,
    userId: () => p.manyToOne(User).mapToPk().fieldName('user_id'),
    /** The current organization; null where there is none. */
    organizationId: p.uuid().nullable(),
    /** SHA-256 of the secret of the refresh token that is valid now. */
    tokenHash: p.text(),
    /** SHA-256 of the secret before it, which gets the same successor within the grace window. */
    previousTokenHash: p.text().nullable(),
    /** What the current secret was derived with from the previous one; useless without that. */
    successorNonce: p.blob().nullable(),
    /** Tells a real old token from a made-up one, so that only a real one can end the session. */
    reuseKey: p.blob(),
    rotatedAt: p.datetime(3).nullable(),
    lastUsedAt: p.datetime(3),
    idleExpiresAt: p.datetime(3),
    /** Never moved. */
    expiresAt: p.datetime(3),
    revokedAt: p.datetime(3).nullable(),
    userAgent: p.text().nullable(),
    ipAddress: p.text().nullable(),
  },
  rowLevelSecurity: 'force',
  indexes: [{ properties: ['userId', 'id'] }],
  policies: [
    { name: 'sessions_authentication', roles: [roles.authentication], using: 'true', check: 'true' },
    { name: 'sessions_operator', command: 'update', roles: [roles.operator], using: 'true', check: 'true' },
    { name: 'sessions_operator_read', command: 'select', roles: [roles.operator], using: 'true' },
    // The jobs see, and remove, what nobody has been able to renew for long.
    {
      name: 'sessions_jobs',
      roles: [roles.jobs],
      using: `least(idle_expires_at, expires_at, revoked_at) < now() - '30 days'::interval`,
      check: 'false',
    },
  ],
})

export type SessionRow = InferEntity<typeof Session>
