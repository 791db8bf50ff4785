import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../database/columns.ts'
import { roles } from '../database/roles.ts'

/**
 * The outbox: an event that the webhook is to be told of, written in the transaction of what it tells of, and delivered
 * afterwards. It is the jobs' alone: no request reads it.
 */
export const WebhookDelivery = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  properties: {
    /** The id is the `webhook-id` of every attempt; `createdAt` is when the event happened. */
    ...everyTable,
    /** Whose event it is; null for what happens outside every organization. */
    organizationId: p.uuid().nullable(),
    /** `resource.participle`, as in audit events. */
    type: p.text(),
    data: p.json<Record<string, unknown>>(),
    /** Counted before it is made: an attempt that an instance did not live to end is one too. */
    attempts: p.integer().default(0),
    nextAttemptAt: p.datetime(3),
    deliveredAt: p.datetime(3).nullable(),
    /** When it was given up. */
    failedAt: p.datetime(3).nullable(),
  },
  rowLevelSecurity: 'force',
  indexes: [{ properties: ['nextAttemptAt'], where: 'delivered_at is null and failed_at is null' }],
  policies: [{ name: 'webhook_deliveries_jobs', roles: [roles.jobs], using: 'true', check: 'true' }],
})

export type WebhookDeliveryRow = InferEntity<typeof WebhookDelivery>
