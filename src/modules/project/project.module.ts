import type { FeatureModule } from '../../modules.ts'
import { Project } from './project.entity.ts'
import { projectResolvers } from './project.resolvers.ts'

export default {
  entities: [Project],
  resolvers: projectResolvers,
  scopes: { 'read:projects': 'VIEWER', 'write:projects': 'DEVELOPER' },
} satisfies FeatureModule
