import type { Resolvers } from '../../generated/resolvers.ts'
import { me } from './user.service.ts'

export const userResolvers: Resolvers = {
  Query: {
    me: (_, _args, ctx) => me(ctx),
  },
  User: {
    isActive: (user) => user.deactivatedAt == null,
    isOperator: (user) => user.isSuperuser,
  },
}
