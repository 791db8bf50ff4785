import type { Resolvers } from '../../generated/resolvers.ts'
import { logout, mySessions, revokeSession } from './session.service.ts'

export const sessionResolvers: Resolvers = {
  Mutation: {
    logout: (_, { input }, ctx) => logout(ctx, input?.everywhere ?? false),
    revokeSession: (_, { input }, ctx) => revokeSession(ctx, input.id),
  },
  User: {
    sessions: (user, _, ctx) => (user.id === ctx.principal?.subject ? mySessions(ctx) : []),
  },
  Session: {
    isCurrent: (session, _, ctx) =>
      ctx.principal !== null && 'sessionId' in ctx.principal && ctx.principal.sessionId === session.id,
  },
}
