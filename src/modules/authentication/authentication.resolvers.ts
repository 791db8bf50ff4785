import type { Resolvers } from '../../generated/resolvers.ts'
import { changePassword, login, register, switchOrganization } from './authentication.service.ts'
import { refresh } from './refresh.ts'

export const authenticationResolvers: Resolvers = {
  Mutation: {
    register: (_, { input }, ctx) => register(ctx, input),
    login: (_, { input }, ctx) => login(ctx, input),
    refresh: (_, { input }, ctx) => refresh(ctx, input),
    changePassword: (_, { input }, ctx) => changePassword(ctx, input),
    switchOrganization: (_, { input }, ctx) => switchOrganization(ctx, input),
  },
}
