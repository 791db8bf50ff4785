import type { Resolvers } from '../../generated/resolvers.ts'
import { deleteProject } from './delete-project.ts'
import { createProject, findProject, listProjects, updateProject } from './project.service.ts'

export const projectResolvers: Resolvers = {
  Query: {
    projects: (_, args, ctx, info) => listProjects(ctx, args, info),
    project: (_, { id }, ctx) => findProject(ctx, id),
  },
  Mutation: {
    createProject: (_, { input }, ctx) => createProject(ctx, input),
    updateProject: (_, { input }, ctx) => updateProject(ctx, input),
    deleteProject: (_, { input }, ctx) => deleteProject(ctx, input),
  },
}
