import type { Entities } from './database/entities.ts'
import { TrustedDocument } from './documents/trusted-document.entity.ts'
import { WebhookDelivery } from './jobs/webhook-delivery.entity.ts'
import type { FeatureModule } from './modules.ts'
import { Revocation } from './principal/revocation.entity.ts'
import { SigningKey } from './principal/signing-key.entity.ts'
import { RateLimitCounter } from './rate-limits/rate-limit-counter.entity.ts'

/** The tables of the pipeline itself, which belong to no feature. */
const pipelineEntities: Entities = [RateLimitCounter, Revocation, SigningKey, TrustedDocument, WebhookDelivery]

/** Everything that the ORM is to know: the tables of these features, and the pipeline's own. */
export function entitiesOf(modules: readonly FeatureModule[]): Entities {
  return [...modules.flatMap((module) => module.entities ?? []), ...pipelineEntities]
}
