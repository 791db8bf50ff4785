import { grantCovers } from '../../access/scopes.ts'
import type { Principal, ToldByIssuer } from '../../principal/principal.ts'

/** What a trusted issuer has told of its user; null for whoever is not one. */
export function claimsOf(principal: Principal): ToldByIssuer | null {
  return principal.kind === 'EXTERNAL' ? principal.claims : null
}

/** Whether the principal's scopes cover every one of these, wildcards included. */
export function holds(principal: Principal, scopes: readonly string[]): boolean {
  return scopes.every((scope) => principal.scopes.some((held) => grantCovers(held, scope)))
}
