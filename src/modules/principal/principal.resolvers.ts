import type { Resolvers } from '../../generated/resolvers.ts'
import { currentOrganization } from '../organization/organization.service.ts'
import { requirePrincipal } from '../../principal/require-principal.ts'
import { claimsOf, holds } from './principal.service.ts'

export const principalResolvers: Resolvers = {
  Query: {
    principal: (_, _args, ctx) => requirePrincipal(ctx),
  },
  Principal: {
    organization: (_, _args, ctx) => currentOrganization(ctx),
    claims: (principal) => claimsOf(principal),
    can: (principal, { scopes }) => holds(principal, scopes),
  },
}
