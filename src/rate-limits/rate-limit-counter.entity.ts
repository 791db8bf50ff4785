import { defineEntity, p } from '@mikro-orm/core'
import { roles } from '../database/roles.ts'

/**
 * How much of a limit has been taken in the current window. It belongs to no tenant, and its key, a hash, names nobody; see
 * counters.ts.
 */
export const RateLimitCounter = defineEntity({
  name: 'RateLimitCounter',
  tableName: 'rate_limit_counters',
  properties: {
    key: p.string().length(255).primary(),
    points: p.integer().default(0),
    /** When the window ends, in milliseconds since 1970 by the database's clock. */
    expire: p.bigint('number').nullable(),
  },
  rowLevelSecurity: 'force',
  policies: [
    { name: 'rate_limit_counters_server', roles: [roles.server], using: 'true', check: 'true' },
    { name: 'rate_limit_counters_jobs', roles: [roles.jobs], using: 'true', check: 'false' },
  ],
})
