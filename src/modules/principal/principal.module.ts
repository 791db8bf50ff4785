import type { FeatureModule } from '../../modules.ts'
import { principalResolvers } from './principal.resolvers.ts'

export default { resolvers: principalResolvers } satisfies FeatureModule
