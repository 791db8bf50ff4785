import type { FeatureModule } from '../../modules.ts'
import { platformResolvers } from './platform.resolvers.ts'

export default { resolvers: platformResolvers } satisfies FeatureModule
