import type { GraphQLResolveInfo } from 'graphql'
import { load, type Context } from '../../context.ts'
import { orderingOf, pageOf, readConnection, type Connection, type PageArguments } from '../../database/paging.ts'
import { lockRow, rowsById, tenantRows } from '../../database/tenant-rows.ts'
import type { CreateProjectInput, ProjectFilter, ProjectOrder, UpdateProjectInput } from '../../generated/resolvers.ts'
import { containing, optionalText, requiredText } from '../../input.ts'
import { requireOrganization } from '../../principal/require-principal.ts'
import { selectedProperties } from '../../selection.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { Project, type ProjectRow } from './project.entity.ts'

const DESCRIPTION_MAX = 2_000

interface ProjectPayload {
  project: ProjectRow
}

function conditionsOf(filter: ProjectFilter | null | undefined) {
  const { nameContains } = filter ?? {}
  return nameContains ? { name: { $ilike: containing(nameContains) } } : {}
}

/** A page of the current organization's projects, by creation unless ordered otherwise. */
export async function listProjects(
  ctx: Context,
  args: PageArguments & { filter?: ProjectFilter | null; orderBy?: ProjectOrder | null },
  info: GraphQLResolveInfo,
): Promise<Connection<ProjectRow>> {
  const ordering = orderingOf(args.orderBy)
  const where = conditionsOf(args.filter)
  const properties = selectedProperties(info, Project)
  return readConnection(tenantRows(ctx), Project, where, pageOf(args, ordering), ordering, properties)
}

const projectsById = rowsById(Project)

/** A project of the current organization, else null. */
export function findProject(ctx: Context, id: string): Promise<ProjectRow | null> {
  return load(ctx, projectsById, id)
}

/** A new project of the current organization. @throws ApiError BAD_USER_INPUT */
export async function createProject(ctx: Context, input: CreateProjectInput): Promise<ProjectPayload> {
  const name = requiredText(['input', 'name'], input.name)
  const description = optionalText(['input', 'description'], input.description, DESCRIPTION_MAX)
  return ctx.rows.write('tenant', async (em) => {
    const project = em.create(Project, { organizationId: requireOrganization(ctx), name, description })
    await em.flush()
    await audit(ctx, em, { action: 'project.created', target: { type: 'Project', id: project.id } })
    return { project }
  })
}

/** Changes a project. What is left out stays; null clears the description. @throws ApiError NOT_FOUND, BAD_USER_INPUT */
export async function updateProject(ctx: Context, input: UpdateProjectInput): Promise<ProjectPayload> {
  const { name, description } = input
  const changes = {
    ...(name !== undefined && { name: requiredText(['input', 'name'], name) }),
    ...(description !== undefined && {
      description: optionalText(['input', 'description'], description, DESCRIPTION_MAX),
    }),
  }
  return ctx.rows.write('tenant', async (em) => {
    const project = Object.assign(await lockRow(em, Project, input.id), changes)
    await em.flush()
    await audit(ctx, em, { action: 'project.updated', target: { type: 'Project', id: project.id } })
    return { project }
  })
}
