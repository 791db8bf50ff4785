import type { Resolvers } from '../../generated/resolvers.ts'
import { createApiKey } from './create-api-key.ts'
import { creatorOf, findApiKey, listApiKeys, revokeApiKey, statusOf } from './api-key.service.ts'
import { rotateApiKey } from './rotate-api-key.ts'
import { updateApiKey } from './update-api-key.ts'

export const apiKeyResolvers: Resolvers = {
  Query: {
    apiKeys: (_, args, ctx) => listApiKeys(ctx, args),
    apiKey: (_, { id }, ctx) => findApiKey(ctx, id),
  },
  Mutation: {
    createApiKey: (_, { input }, ctx) => createApiKey(ctx, input),
    updateApiKey: (_, { input }, ctx) => updateApiKey(ctx, input),
    rotateApiKey: (_, { input }, ctx) => rotateApiKey(ctx, input),
    revokeApiKey: (_, { input }, ctx) => revokeApiKey(ctx, input),
  },
  ApiKey: {
    status: (key, _, ctx) => statusOf(ctx, key),
    createdBy: (key, _, ctx) => creatorOf(ctx, key),
    rotatedTo: (key, _, ctx) => (key.rotatedToId ? findApiKey(ctx, key.rotatedToId) : null),
  },
}
