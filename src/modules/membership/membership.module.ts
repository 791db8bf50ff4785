import type { FeatureModule } from '../../modules.ts'
import { Membership } from './membership.entity.ts'
import { membershipResolvers } from './membership.resolvers.ts'

export default { entities: [Membership], resolvers: membershipResolvers } satisfies FeatureModule
