import type { Context } from '../../context.ts'
import { lockRow } from '../../database/tenant-rows.ts'
import type { DeleteProjectInput } from '../../generated/resolvers.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { deleteGatewaysOf } from '../gateway/gateway.service.ts'
import { Project, type ProjectRow } from './project.entity.ts'

/** Deletes a project and its gateways: the rows stay, and nothing shows them any more. @throws ApiError NOT_FOUND */
export function deleteProject(ctx: Context, input: DeleteProjectInput): Promise<{ project: ProjectRow }> {
  return ctx.rows.write('tenant', async (em) => {
    const project = await lockRow(em, Project, input.id)
    const gateways = await deleteGatewaysOf(ctx, em, project)
    project.deletedAt = ctx.services.clock()
    await em.flush()
    await audit(ctx, em, {
      action: 'project.deleted',
      target: { type: 'Project', id: project.id },
      details: { gateways },
    })
    return { project }
  })
}
