import type { Resolvers } from '../../generated/resolvers.ts'
import {
  createOrganization,
  currentOrganization,
  deleteOrganization,
  updateOrganization,
} from './organization.service.ts'

export const organizationResolvers: Resolvers = {
  Query: {
    organization: (_, _args, ctx) => currentOrganization(ctx),
  },
  Mutation: {
    createOrganization: (_, { input }, ctx) => createOrganization(ctx, input),
    updateOrganization: (_, { input }, ctx) => updateOrganization(ctx, input),
    deleteOrganization: (_, { input }, ctx) => deleteOrganization(ctx, input),
  },
}
