import type { FeatureModule } from '../../modules.ts'
import { Session } from './session.entity.ts'
import { sessionResolvers } from './session.resolvers.ts'

export default { entities: [Session], resolvers: sessionResolvers } satisfies FeatureModule
