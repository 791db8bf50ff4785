import type { EntityManager } from '@mikro-orm/sql'
import { LockMode } from '@mikro-orm/core'
import { load, type Context, type RowLoader } from '../../context.ts'
import {
  byCreation,
  pageOf,
  readConnection,
  type Connection,
  type Ordering,
  type PageArguments,
} from '../../database/paging.ts'
import { tenantOf } from '../../database/tenancy.ts'
import { notFound } from '../../errors.ts'
import type { CreateProjectInput, ProjectFilter, ProjectOrder, UpdateProjectInput } from '../../generated/resolvers.ts'
import { containing, optionalText, requiredText, rowId } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { Project, type ProjectRow } from './project.entity.ts'

const DESCRIPTION_MAX = 2_000
const PROPERTY_OF = { CREATED_AT: 'createdAt', NAME: 'name' } as const

interface ProjectPayload {
  project: ProjectRow
}

/** A page of the current organization's projects, by creation unless ordered otherwise. */
export function listProjects(
  ctx: Context,
  args: PageArguments & { filter?: ProjectFilter | null; orderBy?: ProjectOrder | null },
): Promise<Connection<ProjectRow>> {
  const { filter, orderBy } = args
  const ordering: Ordering = orderBy
    ? { property: PROPERTY_OF[orderBy.field], direction: orderBy.direction }
    : byCreation
  const where = filter?.nameContains ? { name: { $ilike: containing(filter.nameContains) } } : {}
  return readConnection((work) => ctx.rows.read('tenant', work), Project, where, pageOf(args, ordering), ordering)
}

const projectsById: RowLoader<string, ProjectRow | null> = {
  async readMany(ctx, ids) {
    const found = await ctx.rows.read('tenant', (em) => em.find(Project, { id: { $in: [...ids] } }))
    const byId = new Map(found.map((project) => [project.id, project]))
    return ids.map((id) => byId.get(id) ?? null)
  },
}

/** A project of the current organization; null where there is none, whoever may have one with this id. */
export async function findProject(ctx: Context, id: string): Promise<ProjectRow | null> {
  const known = rowId(id)
  return known === null ? null : load(ctx, projectsById, known)
}

/**
 * A project to be changed, or referred to, in this transaction: it cannot be deleted before the transaction has ended.
 * @throws ApiError NOT_FOUND
 */
export async function lockProject(em: EntityManager, id: string): Promise<ProjectRow> {
  const known = rowId(id)
  const project = known && (await em.findOne(Project, { id: known }, { lockMode: LockMode.PESSIMISTIC_WRITE }))
  if (!project) throw notFound('Project')
  return project
}

/** A new project of the current organization. */
export function createProject(ctx: Context, input: CreateProjectInput): Promise<ProjectPayload> {
  const name = requiredText(['input', 'name'], input.name)
  const description = optionalText(['input', 'description'], input.description, DESCRIPTION_MAX)
  return ctx.rows.write('tenant', async (em) => {
    const project = em.create(Project, { organizationId: tenantOf(ctx.principal?.organizationId), name, description })
    await em.flush()
    await audit(ctx, em, { action: 'project.created', target: { type: 'Project', id: project.id } })
    return { project }
  })
}

/** Changes a project. What is left out stays; null clears the description. @throws ApiError NOT_FOUND, BAD_USER_INPUT */
export function updateProject(ctx: Context, input: UpdateProjectInput): Promise<ProjectPayload> {
  const name = input.name === undefined ? undefined : requiredText(['input', 'name'], input.name)
  const description =
    input.description === undefined
      ? undefined
      : optionalText(['input', 'description'], input.description, DESCRIPTION_MAX)
  return ctx.rows.write('tenant', async (em) => {
    const project = await lockProject(em, input.id)
    if (name !== undefined) project.name = name
    if (description !== undefined) project.description = description
    await em.flush()
    await audit(ctx, em, { action: 'project.updated', target: { type: 'Project', id: project.id } })
    return { project }
  })
}
