import type { Resolvers } from '../../generated/resolvers.ts'
import { readingOnly } from '../../selection.ts'
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
    gateways: (_, args, ctx, info) => listGateways(ctx, args, info),
    gateway: (_, { id }, ctx) => findGateway(ctx, id),
  },
  Mutation: {
    createGateway: (_, { input }, ctx) => createGateway(ctx, input),
    updateGateway: (_, { input }, ctx) => updateGateway(ctx, input),
    deleteGateway: (_, { input }, ctx) => deleteGateway(ctx, input),
  },
  Project: {
    gateways: readingOnly(['id'], (project, args, ctx, info) => gatewaysOf(ctx, project, args, info)),
  },
  Gateway: {
    project: readingOnly(['projectId'], (gateway, _, ctx) => findProject(ctx, gateway.projectId)),
  },
}
