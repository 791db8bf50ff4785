import { grantCovers } from '../../access/scopes.ts'
import type { Context } from '../../context.ts'
import { unauthenticated } from '../../errors.ts'
import type { Principal } from '../../principal/principal.ts'

/** Who the caller is. `@auth` stands before it in the SDL. @throws ApiError UNAUTHENTICATED for an anonymous caller. */
export function currentPrincipal(ctx: Context): Principal {
  if (ctx.principal) return ctx.principal
  throw unauthenticated('MISSING', 'A credential is required')
}

/** Whether the principal's scopes cover every one of these, wildcards included. */
export function holds(principal: Principal, scopes: readonly string[]): boolean {
  return scopes.every((scope) => principal.scopes.some((held) => grantCovers(held, scope)))
}
