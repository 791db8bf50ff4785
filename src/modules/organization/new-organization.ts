import { randomBytes } from 'node:crypto'
import type { EntityManager } from '@mikro-orm/sql'
import type { Context } from '../../context.ts'
import { newId } from '../../database/columns.ts'
import { rowId } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import type { ActingMembership } from '../membership/acting-membership.ts'
import { Membership } from '../membership/membership.entity.ts'
import { Organization } from './organization.entity.ts'

const SLUG_MAX = 60

/** The name as it can stand in an address: lower-case letters, digits and hyphens. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, SLUG_MAX)
    .replace(/-+$/, '')
  // Never spelled as an id is: settings and commands take either.
  return rowId(slug) ? `organization-${slug}` : slug || 'organization'
}

/** `acme`, `acme-2`, … `acme-5`, and then ones that nobody else is trying at the same time. */
function* candidates(slug: string): Generator<string> {
  yield slug
  for (let number = 2; number <= 5; number += 1) yield `${slug}-${number}`
  for (;;) yield `${slug}-${randomBytes(4).toString('hex')}`
}

/**
 * Inserts an organization with a slug of its own, and its creator's membership as ADMIN. Of several at once with one name,
 * each gets a slug: the database decides, not a look before.
 */
export async function insertOrganization(
  ctx: Context,
  em: EntityManager,
  name: string,
  creatorId: string,
): Promise<ActingMembership> {
  const id = newId()
  const now = ctx.services.clock()
  for (const slug of candidates(slugOf(name))) {
    const inserted = await em.execute<unknown[]>(
      `insert into organizations (id, name, slug, created_at, updated_at) values (?, ?, ?, ?, ?)
       on conflict (slug) do nothing returning id`,
      [id, name, slug, now, now],
    )
    if (inserted.length === 1) break
  }
  const organization = await em.findOneOrFail(Organization, { id })
  const membership = em.create(Membership, { organizationId: id, userId: creatorId, role: 'ADMIN' })
  await em.flush()
  await audit(ctx, em, {
    action: 'organization.created',
    organizationId: id,
    actorId: creatorId,
    target: { type: 'Organization', id },
  })
  return Object.assign(membership, { organization })
}
