import type { EntityManager } from '@mikro-orm/sql'
import { claimExpiring, daysLeft, type ExpiringApiKey } from '../modules/api-key/api-key-expiry.ts'
import { audit, theServerItself } from '../modules/audit-event/audit-event.service.ts'
import type { Surroundings } from './jobs.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { queueDeliveries } from './webhook-deliveries.ts'

const TYPE = 'api_key.expiring'
const MOST_A_TRANSACTION = 100

/**
 * Tells of the API keys that are about to expire, each notice once: in the organization's audit trail, in the log, and to
 * the webhook where there is one.
 */
export async function tellOfExpiringKeys(surroundings: Surroundings): Promise<void> {
  const { database, signal } = surroundings
  let told: number | null
  do {
    told = await oneAtATime(database, 'notices', (em) => tellOfSome(surroundings, em))
  } while (told === MOST_A_TRANSACTION && !signal.aborted)
}

/** The notices, the claim that each is made once, and the deliveries are committed together. */
async function tellOfSome({ config, log, clock }: Surroundings, em: EntityManager): Promise<number> {
  const now = clock()
  const acting = theServerItself(log, clock)
  const keys = await claimExpiring(em, now, MOST_A_TRANSACTION)
  for (const { id, organizationId, expiresAt } of keys) {
    const details = { daysLeft: daysLeft(expiresAt, now), expiresAt: expiresAt.toISOString() }
    await audit(acting, em, { action: TYPE, organizationId, target: { type: 'ApiKey', id }, details })
  }
  const events = keys.map((key) => eventOf(key, now))
  if (config.webhook) await queueDeliveries(em, events, now)
  return keys.length
}

function eventOf({ id, organizationId, name, service, lastEight, expiresAt }: ExpiringApiKey, now: Date) {
  const apiKey = { id, name, service, lastEight, expiresAt: expiresAt.toISOString() }
  return { organizationId, type: TYPE, data: { organizationId, daysLeft: daysLeft(expiresAt, now), apiKey } }
}
