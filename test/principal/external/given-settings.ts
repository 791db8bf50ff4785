import { loadConfig } from '../../../src/config.ts'
import type { TrustedIssuer } from '../../../src/principal/external/trusted-issuer.ts'

/** Trusted with this in the settings, beside what has to be there. */
export function trustedBySettings(settings: Record<string, unknown>): TrustedIssuer {
  const standard = { issuer: 'https://issuer.test', audiences: ['tenantry'], maxScopes: ['read:*'] }
  const given = JSON.stringify([{ ...standard, ...settings }])
  const [issuer] = loadConfig({ TRUSTED_ISSUERS: given }, '/dev/null').external.issuers
  if (!issuer) throw new Error('There is none in the settings')
  return issuer
}

/** What is wrong with the settings, a line each; empty where nothing is. */
export function mistakesIn(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment, '/dev/null')
    return []
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n')
    return lines.map((line) => line.replace('  - ', ''))
  }
}
