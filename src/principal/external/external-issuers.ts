import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import type { CredentialMetrics } from '../../watching/credential-metrics.ts'
import { holdIssuerKeys, type IssuerKeys } from './issuer-keys.ts'
import type { HeldIssuers } from './registered-issuers.ts'
import { skipSignatures, type SkippedSignatures } from './skipped-signatures.ts'
import { createIssuers, type Issuers } from './trusted-issuer.ts'

/** Whose tokens are accepted beside the server's own, and what verifies them. */
export interface ExternalIssuers {
  readonly issuers: Issuers
  readonly keys: IssuerKeys
  /** Null but where signatures are not looked at. */
  readonly skipped: SkippedSignatures | null
}

interface ExternalSettings {
  config: Pick<Config, 'external' | 'tokens'>
  log: Logger
  clock: () => Date
  metrics: CredentialMetrics
  /** The issuers that organizations have registered; none by default. */
  registered?: Pick<HeldIssuers, 'find' | 'held' | 'onChanged'> | null
}

/** The issuers that are trusted. Nothing is fetched from them before a token needs it: no start depends on them. */
export function openExternalIssuers(settings: ExternalSettings): ExternalIssuers {
  const { config, log, metrics, registered = null } = settings
  const { issuers: configured, skipSignatures: skips } = config.external
  const clock = () => settings.clock().getTime()
  const keys = holdIssuerKeys({ clock, log, metrics })
  // Changed is disabled: one that is registered again has another id.
  registered?.onChanged((registration) => keys.forget(registration))
  return {
    issuers: createIssuers({ ownIssuer: config.tokens.issuer, configured, registered }),
    keys,
    skipped: skips ? skipSignatures(log, clock) : null,
  }
}
