import type { Resolvers } from '../../generated/resolvers.ts'
import { openPlatform } from './operator-door.ts'
import { reinstateOrganization, setOrganizationExternalId, suspendOrganization } from './organization-administration.ts'
import {
  findAnyOrganization,
  findAnyUser,
  listAuditEventsOfAll,
  listOrganizations,
  listUsers,
} from './platform.service.ts'
import { activateUser, deactivateUser, setOperator } from './user-administration.ts'

export const platformResolvers: Resolvers = {
  Query: {
    platform: (_, _args, ctx, info) => openPlatform(ctx, info),
  },
  Mutation: {
    activateUser: (_, { input }, ctx) => activateUser(ctx, input),
    deactivateUser: (_, { input }, ctx) => deactivateUser(ctx, input),
    suspendOrganization: (_, { input }, ctx) => suspendOrganization(ctx, input),
    reinstateOrganization: (_, { input }, ctx) => reinstateOrganization(ctx, input),
    setOrganizationExternalId: (_, { input }, ctx) => setOrganizationExternalId(ctx, input),
    setOperator: (_, { input }, ctx) => setOperator(ctx, input),
  },
  Platform: {
    organizations: (_, args, ctx) => listOrganizations(ctx, args),
    organization: (_, { id }, ctx) => findAnyOrganization(ctx, id),
    users: (_, args, ctx) => listUsers(ctx, args),
    user: (_, { id }, ctx) => findAnyUser(ctx, id),
    auditEvents: (_, args, ctx) => listAuditEventsOfAll(ctx, args),
  },
  PlatformAuditEvent: {
    organization: (event, _, ctx) => findAnyOrganization(ctx, event.organizationId),
  },
}
