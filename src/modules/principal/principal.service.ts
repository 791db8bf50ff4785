import { grantCovers } from '../../access/scopes.ts'
import type { Context } from '../../context.ts'
import { unauthenticated } from '../../errors.ts'
import type { Principal, ToldByIssuer } from '../../principal/principal.ts'

/** Who the caller is. `@auth` stands before it in the SDL. @throws ApiError UNAUTHENTICATED for an anonymous caller. */
export function currentPrincipal(ctx: Context): Principal {
  if (ctx.principal) return ctx.principal
  throw unauthenticated('MISSING', 'A credential is required')
}

/** What a trusted issuer has told of its user; null for whoever is not one. */
export function claimsOf(principal: Principal): ToldByIssuer | null {
  return principal.kind === 'EXTERNAL' ? principal.claims : null
}

/** Whether the principal's scopes cover every one of these, wildcards included. */
export function holds(principal: Principal, scopes: readonly string[]): boolean {
  return scopes.every((scope) => principal.scopes.some((held) => grantCovers(held, scope)))
}
