import type { Resolvers } from '../../generated/resolvers.ts'
import {
  addMember,
  changeMemberRole,
  leaveOrganization,
  membersOf,
  myMemberships,
  organizationOf,
  removeMember,
  userOf,
} from './membership.service.ts'

export const membershipResolvers: Resolvers = {
  Mutation: {
    addMember: (_, { input }, ctx) => addMember(ctx, input),
    changeMemberRole: (_, { input }, ctx) => changeMemberRole(ctx, input),
    removeMember: (_, { input }, ctx) => removeMember(ctx, input),
    leaveOrganization: (_, _args, ctx) => leaveOrganization(ctx),
  },
  User: {
    memberships: (user, _, ctx) => (user.id === ctx.principal?.subject ? myMemberships(ctx) : []),
  },
  Organization: {
    members: (organization, args, ctx) => membersOf(ctx, organization, args),
  },
  Membership: {
    user: (membership, _, ctx) => userOf(ctx, membership),
    organization: (membership, _, ctx) => organizationOf(ctx, membership),
  },
}
