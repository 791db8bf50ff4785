import type { FeatureModule } from '../../modules.ts'
import { Gateway } from './gateway.entity.ts'
import { gatewayResolvers } from './gateway.resolvers.ts'

export default {
  entities: [Gateway],
  resolvers: gatewayResolvers,
  scopes: { 'read:gateways': 'VIEWER', 'write:gateways': 'DEVELOPER' },
} satisfies FeatureModule
