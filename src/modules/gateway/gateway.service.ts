import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { load, type Context, type RowLoader } from '../../context.ts'
import {
  byCreation,
  pageOf,
  readConnection,
  readConnections,
  type Connection,
  type Ordering,
  type PageArguments,
} from '../../database/paging.ts'
import { badUserInput, notFound } from '../../errors.ts'
import type {
  CreateGatewayInput,
  DeleteGatewayInput,
  GatewayFilter,
  GatewayOrder,
  UpdateGatewayInput,
} from '../../generated/resolvers.ts'
import { containing, requiredText, rowId } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import type { ProjectRow } from '../project/project.entity.ts'
import { lockProject } from '../project/project.service.ts'
import { Gateway, type GatewayRow } from './gateway.entity.ts'

const PROPERTY_OF = { CREATED_AT: 'createdAt', NAME: 'name' } as const
const NO_ROW = { id: { $in: [] as string[] } }

interface GatewayPayload {
  gateway: GatewayRow
}

function conditionsOf(filter: GatewayFilter | null | undefined): Record<string, unknown> {
  const project = filter?.projectId == null ? null : rowId(filter.projectId)
  if (filter?.projectId != null && project === null) return NO_ROW
  return {
    ...(project && { projectId: project }),
    ...(filter?.nameContains && { name: { $ilike: containing(filter.nameContains) } }),
  }
}

/** A page of the current organization's gateways, by creation unless ordered otherwise. */
export function listGateways(
  ctx: Context,
  args: PageArguments & { filter?: GatewayFilter | null; orderBy?: GatewayOrder | null },
): Promise<Connection<GatewayRow>> {
  const { filter, orderBy } = args
  const ordering: Ordering = orderBy
    ? { property: PROPERTY_OF[orderBy.field], direction: orderBy.direction }
    : byCreation
  const page = pageOf(args, ordering)
  return readConnection((work) => ctx.rows.read('tenant', work), Gateway, conditionsOf(filter), page, ordering)
}

interface PageOfProject {
  projectId: string
  args: PageArguments
}
const pageKey = ({ first, after, last, before }: PageArguments) => JSON.stringify([first, after, last, before])

/** The pages of many projects' gateways: one statement for all projects that are asked for the same page. */
const gatewayPages: RowLoader<PageOfProject, Connection<GatewayRow>> = {
  cacheKey: ({ projectId, args }) => `${projectId} ${pageKey(args)}`,
  async readMany(ctx, keys) {
    const pages = new Map<string, Connection<GatewayRow>>()
    for (const [key, group] of Map.groupBy(keys, ({ args }) => pageKey(args))) {
      const ids = group.map(({ projectId }) => projectId)
      const page = pageOf(group[0]?.args ?? {}, byCreation)
      const read = <T>(work: (em: EntityManager) => Promise<T>) => ctx.rows.read('tenant', work)
      const connections = await readConnections(read, Gateway, 'projectId', ids, page, byCreation)
      connections.forEach((connection, at) => pages.set(`${ids[at] ?? ''} ${key}`, connection))
    }
    return keys.map(({ projectId, args }) => pages.get(`${projectId} ${pageKey(args)}`) as Connection<GatewayRow>)
  },
}

/** A page of a project's gateways. @throws ApiError BAD_USER_INPUT for a page that is none. */
export function gatewaysOf(ctx: Context, project: ProjectRow, args: PageArguments): Promise<Connection<GatewayRow>> {
  pageOf(args, byCreation)
  return load(ctx, gatewayPages, { projectId: project.id, args })
}

const gatewaysById: RowLoader<string, GatewayRow | null> = {
  async readMany(ctx, ids) {
    const found = await ctx.rows.read('tenant', (em) => em.find(Gateway, { id: { $in: [...ids] } }))
    const byId = new Map(found.map((gateway) => [gateway.id, gateway]))
    return ids.map((id) => byId.get(id) ?? null)
  },
}

/** A gateway of the current organization, else null. */
export async function findGateway(ctx: Context, id: string): Promise<GatewayRow | null> {
  const known = rowId(id)
  return known === null ? null : load(ctx, gatewaysById, known)
}

async function lockGateway(em: EntityManager, id: string): Promise<GatewayRow> {
  const known = rowId(id)
  const gateway = known && (await em.findOne(Gateway, { id: known }, { lockMode: LockMode.PESSIMISTIC_WRITE }))
  if (!gateway) throw notFound('Gateway')
  return gateway
}

/** A new gateway of a project. @throws ApiError NOT_FOUND where the current organization has no such project. */
export function createGateway(ctx: Context, input: CreateGatewayInput): Promise<GatewayPayload> {
  const name = requiredText(['input', 'name'], input.name)
  return ctx.rows.write('tenant', async (em) => {
    const project = await lockProject(em, input.projectId)
    const gateway = em.create(Gateway, { organizationId: project.organizationId, projectId: project.id, name })
    await em.flush()
    await audit(ctx, em, { action: 'gateway.created', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Renames a gateway or moves it to another project of the organization. @throws ApiError NOT_FOUND, BAD_USER_INPUT */
export function updateGateway(ctx: Context, input: UpdateGatewayInput): Promise<GatewayPayload> {
  const name = input.name === undefined ? undefined : requiredText(['input', 'name'], input.name)
  if (input.projectId === null) throw badUserInput({ path: ['input', 'projectId'], reason: 'must not be null' })
  const { projectId } = input
  return ctx.rows.write('tenant', async (em) => {
    // Projects before gateways, as everywhere: two transactions that lock both never wait for each other.
    const project = projectId === undefined ? null : await lockProject(em, projectId)
    const gateway = await lockGateway(em, input.id)
    if (name !== undefined) gateway.name = name
    if (project) gateway.projectId = project.id
    await em.flush()
    await audit(ctx, em, { action: 'gateway.updated', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Deletes a gateway: the row stays, and nothing shows it any more. @throws ApiError NOT_FOUND */
export function deleteGateway(ctx: Context, input: DeleteGatewayInput): Promise<GatewayPayload> {
  return ctx.rows.write('tenant', async (em) => {
    const gateway = await lockGateway(em, input.id)
    gateway.deletedAt = ctx.services.clock()
    await em.flush()
    await audit(ctx, em, { action: 'gateway.deleted', target: { type: 'Gateway', id: gateway.id } })
    return { gateway }
  })
}

/** Deletes the gateways of a project that is being deleted. @returns how many there were. */
export function deleteGatewaysOf(ctx: Context, em: EntityManager, project: ProjectRow): Promise<number> {
  return em.nativeUpdate(Gateway, { projectId: project.id }, { deletedAt: ctx.services.clock() })
}
