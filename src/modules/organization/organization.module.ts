import type { FeatureModule } from '../../modules.ts'
import { Organization } from './organization.entity.ts'
import { organizationResolvers } from './organization.resolvers.ts'

export default { entities: [Organization], resolvers: organizationResolvers } satisfies FeatureModule
