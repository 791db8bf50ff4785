import { load, type Context, type RowLoader } from '../../context.ts'
import { selectRows } from '../../database/select.ts'
import { authenticationRows, tenantRows } from '../../database/tenant-rows.ts'
import { unauthenticated } from '../../errors.ts'
import { requireUser } from '../../principal/require-principal.ts'
import { User, type UserRow } from './user.entity.ts'

/**
 * Users by id: the members of the current organization, and the signed-in user. Nobody else can be seen.
 */
const usersById: RowLoader<string, UserRow | null> = {
  async readMany(ctx, ids) {
    const found = new Map<string, UserRow>()
    const { principal } = ctx
    // Not `subject`: that of an external token is chosen by its issuer, and may be anybody's id.
    const mine = principal && 'userId' in principal ? principal.userId : undefined
    const others = ids.some((id) => id !== mine)
    if (others && principal?.organizationId) {
      const members = await selectRows(tenantRows(ctx), { entity: User, where: { id: { $in: ids } } })
      for (const user of members) found.set(user.id, user)
    }
    if (mine && ids.includes(mine) && !found.has(mine)) {
      const [user] = await selectRows(authenticationRows(ctx), { entity: User, where: { id: mine } })
      if (user) found.set(user.id, user)
    }
    return ids.map((id) => found.get(id) ?? null)
  },
}

/** A user whom the principal may see: a member of the current organization, or the principal; else null. */
export function findUser(ctx: Context, id: string): Promise<UserRow | null> {
  return load(ctx, usersById, id)
}

/** The signed-in user. @throws ApiError UNAUTHENTICATED where the account is gone. */
export async function me(ctx: Context): Promise<UserRow> {
  const user = await findUser(ctx, requireUser(ctx).userId)
  if (!user) throw unauthenticated('REVOKED', 'The account no longer exists')
  return user
}
