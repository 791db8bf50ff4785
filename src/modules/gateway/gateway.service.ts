import type { EntityManager } from '@mikro-orm/sql'
import type { GraphQLResolveInfo } from 'graphql'
import { load, type Context } from '../../context.ts'
import { pagesUnder } from '../../database/nested-paging.ts'
import {
  byCreation,
  orderingOf,
  pageOf,
  readConnection,
  type Connection,
  type PageArguments,
} from '../../database/paging.ts'
import { lockRow, rowsById, tenantRows } from '../../database/tenant-rows.ts'
import { badUserInput } from '../../errors.ts'
import type {
  CreateGatewayInput,
  DeleteGatewayInput,
  GatewayFilter,
  GatewayOrder,
  UpdateGatewayInput,
} from '../../generated/resolvers.ts'
import { containing, requiredText, rowId } from '../../input.ts'
import { selectedProperties } from '../../selection.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { Project, type ProjectRow } from '../project/project.entity.ts'
import { Gateway, type GatewayRow } from './gateway.entity.ts'

interface GatewayPayload {
  gateway: GatewayRow
}

function conditionsOf(filter: GatewayFilter | null | undefined) {
  const { nameContains, projectId } = filter ?? {}
  const project = projectId == null ? null : rowId(projectId)
  return {
    // What is no id is no project's.
    ...(projectId != null && { projectId: project ?? { $in: [] } }),
    ...(nameContains && { name: { $ilike: containing(nameContains) } }),
  }
}

/** A page of the current organization's gateways, by creation unless ordered otherwise. */
export async function listGateways(
  ctx: Context,
  args: PageArguments & { filter?: GatewayFilter | null; orderBy?: GatewayOrder | null },
  info: GraphQLResolveInfo,
): Promise<Connection<GatewayRow>> {
  const ordering = orderingOf(args.orderBy)
  const where = conditionsOf(args.filter)
  const properties = selectedProperties(info, Gateway)
  return readConnection(tenantRows(ctx), Gateway, where, pageOf(args, ordering), ordering, properties)
}

const gatewaysUnder = pagesUnder(Gateway, 'projectId', byCreation)

/** A page of a project's gateways. @throws ApiError BAD_USER_INPUT for a page that is none. */
export async function gatewaysOf(
  ctx: Context,
  project: Pick<ProjectRow, 'id'>,
  args: PageArguments,
  info: GraphQLResolveInfo,
): Promise<Connection<GatewayRow>> {
  // Here too: a page that is none must not fail the others that are read together with it.
  pageOf(args, byCreation)
  return load(ctx, gatewaysUnder, { parentId: project.id, args, properties: selectedProperties(info, Gateway) })
}

const gatewaysById = rowsById(Gateway)

/** A gateway of the current organization, else null. */
export function findGateway(ctx: Context, id: string): Promise<GatewayRow | null> {
  return load(ctx, gatewaysById, id)
}

/** A new gateway of a project. @throws ApiError NOT_FOUND where the current organization has no such project. */
export async function createGateway(ctx: Context, input: CreateGatewayInput): Promise<GatewayPayload> {
  const name = requiredText(['input', 'name'], input.name)
  return ctx.rows.write('tenant', async (em) => {
    const project = await lockRow(em, Project, input.projectId)
    const gateway = em.create(Gateway, { organizationId: project.organizationId, projectId: project.id, name })
    await em.flush()
    await audit(ctx, em, { action: 'gateway.created', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Renames a gateway or moves it to another project of the organization. @throws ApiError NOT_FOUND, BAD_USER_INPUT */
export async function updateGateway(ctx: Context, input: UpdateGatewayInput): Promise<GatewayPayload> {
  const { name, projectId } = input
  const changes = { ...(name !== undefined && { name: requiredText(['input', 'name'], name) }) }
  if (projectId === null) throw badUserInput({ path: ['input', 'projectId'], reason: 'must not be null' })
  return ctx.rows.write('tenant', async (em) => {
    // Projects before gateways, as everywhere: two transactions that lock both never wait for each other.
    const project = projectId === undefined ? null : await lockRow(em, Project, projectId)
    const gateway = await lockRow(em, Gateway, input.id)
    Object.assign(gateway, changes, project && { projectId: project.id })
    await em.flush()
    await audit(ctx, em, { action: 'gateway.updated', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Deletes a gateway: the row stays, and nothing shows it any more. @throws ApiError NOT_FOUND */
export function deleteGateway(ctx: Context, input: DeleteGatewayInput): Promise<GatewayPayload> {
  return ctx.rows.write('tenant', async (em) => {
    const gateway = await lockRow(em, Gateway, input.id)
    gateway.deletedAt = ctx.services.clock()
    await em.flush()
    await audit(ctx, em, { action: 'gateway.deleted', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Deletes the gateways of a project that is being deleted. @returns how many there were. */
export function deleteGatewaysOf(ctx: Context, em: EntityManager, project: ProjectRow): Promise<number> {
  const now = ctx.services.clock()
  return em.nativeUpdate(Gateway, { projectId: project.id }, { deletedAt: now, updatedAt: now })
}
