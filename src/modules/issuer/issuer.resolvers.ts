import type { Resolvers } from '../../generated/resolvers.ts'
import { creatorOf, disableIssuer, listIssuers, registerIssuer } from './issuer.service.ts'

export const issuerResolvers: Resolvers = {
  Query: {
    issuers: (_, args, ctx) => listIssuers(ctx, args),
  },
  Mutation: {
    registerIssuer: (_, { input }, ctx) => registerIssuer(ctx, input),
    disableIssuer: (_, { input }, ctx) => disableIssuer(ctx, input),
  },
  Issuer: {
    iss: ({ issuer }) => issuer,
    createdBy: (issuer, _, ctx) => creatorOf(ctx, issuer),
  },
}
