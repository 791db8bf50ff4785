import { NIL } from 'uuid'
import { load, type Context, type RowLoader } from '../../context.ts'
import { byCreation, pageOf, readConnection, type Connection, type PageArguments } from '../../database/paging.ts'
import { selectRows } from '../../database/select.ts'
import { inOrderOf } from '../../database/tenant-rows.ts'
import type { AuditEventFilter } from '../../generated/resolvers.ts'
import { rowId } from '../../input.ts'
import { AuditEvent, type AuditEventRow } from '../audit-event/audit-event.entity.ts'
import { conditionsOf, newestFirst } from '../audit-event/list-audit-events.ts'
import { Organization, type OrganizationRow } from '../organization/organization.entity.ts'
import { User, type UserRow } from '../user/user.entity.ts'
import { readAsOperator } from './operator-door.ts'

/** A page of all organizations, oldest first; suspended ones too, deleted ones not. */
export async function listOrganizations(ctx: Context, args: PageArguments): Promise<Connection<OrganizationRow>> {
  const page = pageOf(args, byCreation)
  return readConnection(readAsOperator(ctx), Organization, {}, page, byCreation)
}

/** A page of all users, oldest first; deactivated ones too. */
export async function listUsers(ctx: Context, args: PageArguments): Promise<Connection<UserRow>> {
  const page = pageOf(args, byCreation)
  return readConnection(readAsOperator(ctx), User, {}, page, byCreation)
}

/** A page of the audit events of all organizations, and of what happened outside of each, newest first. */
export async function listAuditEventsOfAll(
  ctx: Context,
  args: PageArguments & { filter?: AuditEventFilter | null; organizationId?: string | null },
): Promise<Connection<AuditEventRow>> {
  const page = pageOf(args, newestFirst)
  const { filter, organizationId } = args
  // What is no id at all is no organization's, as the nil id is.
  const where = {
    ...conditionsOf(filter),
    ...(organizationId != null && { organizationId: rowId(organizationId) ?? NIL }),
  }
  return readConnection(readAsOperator(ctx), AuditEvent, where, page, newestFirst)
}

const anyOrganizations: RowLoader<string, OrganizationRow | null> = {
  async readMany(ctx, ids) {
    return inOrderOf(ids, await selectRows(readAsOperator(ctx), { entity: Organization, where: { id: { $in: ids } } }))
  },
}

const anyUsers: RowLoader<string, UserRow | null> = {
  async readMany(ctx, ids) {
    return inOrderOf(ids, await selectRows(readAsOperator(ctx), { entity: User, where: { id: { $in: ids } } }))
  },
}

/** Any tenant's organization; null where there is none. */
export async function findAnyOrganization(
  ctx: Context,
  id: string | null | undefined,
): Promise<OrganizationRow | null> {
  const known = id == null ? null : rowId(id)
  return known === null ? null : load(ctx, anyOrganizations, known)
}

/** Any user; null where there is none. */
export async function findAnyUser(ctx: Context, id: string): Promise<UserRow | null> {
  const known = rowId(id)
  return known === null ? null : load(ctx, anyUsers, known)
}
