import type { FeatureModule } from '../../modules.ts'
import { Password, SignInFailures } from './authentication.entity.ts'
import { authenticationResolvers } from './authentication.resolvers.ts'

export default { entities: [Password, SignInFailures], resolvers: authenticationResolvers } satisfies FeatureModule
