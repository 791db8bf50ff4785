import type { Resolvers } from '../../generated/resolvers.ts'
import { currentOrganization } from '../organization/organization.service.ts'
import { claimsOf, currentPrincipal, holds } from './principal.service.ts'

export const principalResolvers: Resolvers = {
  Query: {
    principal: (_, _args, ctx) => currentPrincipal(ctx),
  },
  Principal: {
    organization: (_, _args, ctx) => currentOrganization(ctx),
    claims: (principal) => claimsOf(principal),
    can: (principal, { scopes }) => holds(principal, scopes),
  },
}
