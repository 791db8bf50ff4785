import type { Context } from '../../context.ts'
import { unauthenticated } from '../../errors.ts'
import type { Principal } from '../../principal/principal.ts'

/** Who the caller is. `@auth` stands before it in the SDL. @throws ApiError UNAUTHENTICATED for an anonymous caller. */
export function currentPrincipal(ctx: Context): Principal {
  if (ctx.principal) return ctx.principal
  throw unauthenticated('MISSING', 'A credential is required')
}
