import type { FeatureModule } from '../../modules.ts'
import { ApiKey } from './api-key.entity.ts'
import { apiKeyResolvers } from './api-key.resolvers.ts'

export default { entities: [ApiKey], resolvers: apiKeyResolvers } satisfies FeatureModule
