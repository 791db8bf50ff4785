import type { EntityManager } from '@mikro-orm/sql'
import { theServerItself } from '../modules/audit-event/audit-event.service.ts'
import { removeAuditEvents } from '../modules/audit-event/audit-retention.ts'
import { removeEndedSessions } from '../modules/session/session-removal.ts'
import type { Surroundings } from './jobs.ts'
import { removeEndedCounters } from '../rate-limits/counter-removal.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { removeDeliveries } from './webhook-deliveries.ts'

/** How long a session is kept after its end, and a delivery in any case. */
const KEPT_DAYS = 30
const DAY_MS = 86_400_000
/** Few enough for the statement timeout, on any disk. */
const MOST_A_TRANSACTION = 5_000

/** Removes some of what is due. @returns how many. */
type Removal = (em: EntityManager, most: number) => Promise<number>

/** Removes what nobody needs any more: ended sessions and counters, old deliveries and, where that is configured, old audit events. */
export async function removeWhatIsOld(surroundings: Surroundings): Promise<void> {
  const { config, log, clock } = surroundings
  const daysAgo = (days: number) => new Date(clock().getTime() - days * DAY_MS)
  await removeAll(surroundings, (em, most) => removeEndedSessions(em, daysAgo(KEPT_DAYS), most))
  await removeAll(surroundings, removeEndedCounters)
  await removeAll(surroundings, (em, most) => removeDeliveries(em, daysAgo(KEPT_DAYS), most))
  const { retentionDays } = config.audit
  if (retentionDays === null) return
  const acting = theServerItself(log, clock)
  await removeAll(surroundings, (em, most) => removeAuditEvents(acting, em, daysAgo(retentionDays), most))
}

/** In transactions of bounded size, so that none of them keeps others waiting. */
async function removeAll({ database, signal }: Surroundings, remove: Removal): Promise<void> {
  let removed: number | null
  do {
    removed = await oneAtATime(database, 'removal', (em) => remove(em, MOST_A_TRANSACTION))
  } while (removed === MOST_A_TRANSACTION && !signal.aborted)
}
