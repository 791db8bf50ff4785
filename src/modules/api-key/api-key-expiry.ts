import type { EntityManager } from '@mikro-orm/sql'
import { ApiKey, type ApiKeyRow } from './api-key.entity.ts'

/** So many days before a key expires its organization is told, the most urgent last. */
const NOTICE_DAYS: readonly number[] = [30, 7, 1]
const MOST_DAYS = Math.max(...NOTICE_DAYS)
const DAY_MS = 86_400_000

/** The days until `expiresAt`, each begun one counted whole. */
export function daysLeft(expiresAt: Date, now: Date): number {
  return Math.ceil((expiresAt.getTime() - now.getTime()) / DAY_MS)
}

/** The days of the most urgent notice whose time has come; null where none has, or where there is no expiry. */
export function noticeDays(expiresAt: Date | null, now: Date): number | null {
  if (!expiresAt) return null
  const left = daysLeft(expiresAt, now)
  return NOTICE_DAYS.findLast((days) => left <= days) ?? null
}

/**
 * A key's end, with the notices that it leaves no time for counted as told: whoever makes a key for five days knows that it
 * ends within seven.
 */
export function endingAt(expiresAt: Date | null, now: Date) {
  return { expiresAt, expiryNotifiedDays: noticeDays(expiresAt, now) }
}

/** What is told of an expiring key. */
const TOLD = ['organizationId', 'name', 'service', 'lastEight', 'expiresAt'] as const

/** A key whose expiry is to be told. */
export type ExpiringApiKey = Pick<ApiKeyRow, 'id' | 'organizationId' | 'name' | 'service' | 'lastEight'> & {
  expiresAt: Date
}

// Of notices that are due together the most urgent is told alone. `24 hours`: a day is not always as long in a session's
// time zone. A key that somebody is changing at this moment is looked at the next time.
const CLAIM = `
  with due as (
    select k.id, notice.days
    from api_keys k
      join organizations o on o.id = k.organization_id and o.deleted_at is null
      cross join lateral (
        select min(days) as days from unnest(string_to_array(?, ' ')::int[]) as days
        where k.expires_at <= ?::timestamptz + days * interval '24 hours'
      ) as notice
    where k.expires_at > ? and k.expires_at <= ?
      and k.revoked_at is null and k.deactivated_at is null and k.rotated_to is null
      and (k.expiry_notified_days is null or k.expiry_notified_days > notice.days)
    order by k.id limit ? for update of k skip locked
  )
  update api_keys set expiry_notified_days = due.days from due where api_keys.id = due.id
  returning api_keys.id`

/**
 * Takes keys of any organization that are active, about to expire, and not told of since the last notice that was due:
 * nobody else gets them in the transaction of `em`, or after it.
 * @param most how many at once
 */
export async function claimExpiring(em: EntityManager, now: Date, most: number): Promise<ExpiringApiKey[]> {
  const latest = new Date(now.getTime() + MOST_DAYS * DAY_MS)
  const claimed = await em.execute<{ id: string }[]>(CLAIM, [NOTICE_DAYS.join(' '), now, now, latest, most])
  if (claimed.length === 0) return []
  const keys = await em.find(ApiKey, { id: { $in: claimed.map(({ id }) => id) } }, { fields: TOLD })
  return keys.flatMap(({ id, organizationId, name, service, lastEight, expiresAt }) =>
    expiresAt ? [{ id, organizationId, name, service, lastEight, expiresAt }] : [],
  )
}
