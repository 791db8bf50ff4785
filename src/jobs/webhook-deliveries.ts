import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { newId } from '../database/columns.ts'
import { inTransaction } from '../database/tenancy.ts'
import type { Surroundings } from './jobs.ts'
import { postWebhook, type WebhookReceiver } from './webhook.ts'
import { WebhookDelivery, type WebhookDeliveryRow } from './webhook-delivery.entity.ts'

const MOST_AT_ONCE = 20
/** Longer than an attempt takes: a delivery that is being posted is not due. */
const FIRST_WAIT_MS = 30_000
const LONGEST_WAIT_MS = 6 * 3_600_000
/** Over more than half a day. */
const MOST_ATTEMPTS = 12

/** What the webhook is to be told. */
export interface QueuedEvent {
  organizationId: string | null
  type: string
  data: Record<string, unknown>
}

/** Puts events into the outbox in the transaction of `em`: delivered if that is committed, and not if it is not. */
export async function queueDeliveries(em: EntityManager, events: readonly QueuedEvent[], now: Date): Promise<void> {
  if (events.length === 0) return
  const rows = events.map((event) => ({ id: newId(), createdAt: now, nextAttemptAt: now, attempts: 0, ...event }))
  await em.insertMany(WebhookDelivery, rows)
}

/** How long after so many attempts the next one is made: twice as long each time. */
export function backoffMs(attempts: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS)
}

/**
 * Posts what is due. No connection is held meanwhile: a delivery is claimed by the time of its next attempt, which comes
 * whatever becomes of this one, and is marked afterwards.
 */
export async function deliverWebhooks(surroundings: Surroundings): Promise<void> {
  const { clock, signal } = surroundings
  const { webhook } = surroundings.config
  if (!webhook) return
  while (!signal.aborted) {
    const claimed = await claimDue(surroundings)
    const attempts = await Promise.all(claimed.map((delivery) => attempt(webhook, delivery, clock(), signal)))
    await settle(surroundings, attempts)
    // Where nothing is taken, the rest of a long queue has time.
    if (claimed.length < MOST_AT_ONCE || attempts.every(({ failure }) => failure !== null)) return
  }
}

function claimDue({ database, clock }: Surroundings): Promise<WebhookDeliveryRow[]> {
  return inTransaction(database, { door: 'jobs', organizationId: null, readOnly: false }, async (em) => {
    const now = clock()
    const due = await em.find(
      WebhookDelivery,
      { deliveredAt: null, failedAt: null, nextAttemptAt: { $lte: now } },
      // What is new goes before what was refused. Skips what another instance is claiming.
      {
        orderBy: [{ attempts: 'asc' }, { nextAttemptAt: 'asc' }],
        limit: MOST_AT_ONCE,
        lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE,
      },
    )
    for (const delivery of due) {
      delivery.attempts += 1
      delivery.nextAttemptAt = new Date(now.getTime() + backoffMs(delivery.attempts))
    }
    await em.flush()
    return due
  })
}

/** An attempt that has ended; `failure` is null where the event was taken. */
interface Attempt {
  delivery: WebhookDeliveryRow
  failure: string | null
}

async function attempt(
  receiver: WebhookReceiver,
  delivery: WebhookDeliveryRow,
  at: Date,
  stopping: AbortSignal,
): Promise<Attempt> {
  // The last attempt was made by an instance that did not live to see how it ended.
  if (delivery.attempts > MOST_ATTEMPTS) return { delivery, failure: 'interrupted' }
  return { delivery, failure: await postWebhook(receiver, delivery, at, stopping) }
}

/** Marks what was taken, and what is given up; the rest is due again by itself. */
async function settle({ database, log, clock }: Surroundings, attempts: readonly Attempt[]): Promise<void> {
  const taken = attempts.filter(({ failure }) => failure === null)
  const givenUp = attempts.filter(({ failure, delivery }) => failure !== null && delivery.attempts >= MOST_ATTEMPTS)
  const idsOf = (some: readonly Attempt[]) => ({ id: { $in: some.map(({ delivery }) => delivery.id) } })
  const now = clock()
  if (taken.length + givenUp.length > 0) {
    await inTransaction(database, { door: 'jobs', organizationId: null, readOnly: false }, async (em) => {
      await em.nativeUpdate(WebhookDelivery, idsOf(taken), { deliveredAt: now, updatedAt: now })
      await em.nativeUpdate(WebhookDelivery, idsOf(givenUp), { failedAt: now, updatedAt: now })
    })
  }
  for (const { delivery, failure } of attempts) {
    const { id, type, organizationId, attempts: made } = delivery
    const fields = { delivery: { id, type, organizationId, attempts: made }, ...(failure && { failure }) }
    if (failure === null) log.info(fields, 'webhook delivered')
    else if (made >= MOST_ATTEMPTS) log.error(fields, 'webhook given up')
    else log.warn({ ...fields, nextAttemptAt: delivery.nextAttemptAt }, 'webhook not delivered')
  }
}

/** Removes deliveries of before `before`, in the transaction of `em`: whatever has become of one, nobody waits for it now. */
export async function removeDeliveries(em: EntityManager, before: Date, most: number): Promise<number> {
  const old = await em.find(WebhookDelivery, { createdAt: { $lt: before } }, { fields: ['id'], limit: most })
  return em.nativeDelete(WebhookDelivery, { id: { $in: old.map(({ id }) => id) } })
}
