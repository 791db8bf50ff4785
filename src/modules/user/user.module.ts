import type { FeatureModule } from '../../modules.ts'
import { User } from './user.entity.ts'
import { userResolvers } from './user.resolvers.ts'

export default { entities: [User], resolvers: userResolvers } satisfies FeatureModule
