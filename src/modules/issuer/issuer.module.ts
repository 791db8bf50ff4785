import type { FeatureModule } from '../../modules.ts'
import { Issuer } from './issuer.entity.ts'
import { issuerResolvers } from './issuer.resolvers.ts'

export default { entities: [Issuer], resolvers: issuerResolvers } satisfies FeatureModule
