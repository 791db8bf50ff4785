import type { Resolvers } from '../../generated/resolvers.ts'
import { findProject } from '../project/project.service.ts'
import {
  createGateway,
  deleteGateway,
  findGateway,
  gatewaysOf,
  listGateways,
  updateGateway,
} from './gateway.service.ts'

export const gatewayResolvers: Resolvers = {
  Query: {
    gateways: (_, args, ctx) => listGateways(ctx, args),
    gateway: (_, { id }, ctx) => findGateway(ctx, id),
  },
  Mutation: {
    createGateway: (_, { input }, ctx) => createGateway(ctx, input),
    updateGateway: (_, { input }, ctx) => updateGateway(ctx, input),
    deleteGateway: (_, { input }, ctx) => deleteGateway(ctx, input),
  },
  Project: {
    gateways: (project, args, ctx) => gatewaysOf(ctx, project, args),
  },
  Gateway: {
    project: (gateway, _, ctx) => findProject(ctx, gateway.projectId),
  },
}
