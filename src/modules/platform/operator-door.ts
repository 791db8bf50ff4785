import type { EntityManager } from '@mikro-orm/sql'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from '../../context.ts'
import type { Reader } from '../../database/select.ts'
import { ApiError } from '../../errors.ts'
import { rowId } from '../../input.ts'
import { audit } from '../audit-event/audit-event.service.ts'
import { readingOf } from './readings.ts'

/**
 * The operations whose reading has been recorded, or is just being, and whether they read anything. One request has one context
 * and one operation.
 */
const recorded = new WeakMap<Context, Promise<boolean>>()

/**
 * Opens the tree of what reaches across tenants. What the operation reads of it is recorded before anything is read, as one
 * event whatever its number of fields, aliases and rows: no record, no reading.
 */
export async function openPlatform(ctx: Context, info: GraphQLResolveInfo): Promise<Record<string, never>> {
  const recording = recorded.get(ctx) ?? recordReading(ctx, info)
  recorded.set(ctx, recording)
  await recording
  return {}
}

/** @returns whether there is anything to be read, and so a record of it */
async function recordReading(ctx: Context, info: GraphQLResolveInfo): Promise<boolean> {
  const { fields, ids } = readingOf(info)
  if (fields.length === 0) return false
  const event = { action: 'platform.read', organizationId: null, details: { fields, ids } }
  // Reads share a read-only transaction, so the record has one of its own.
  await ctx.rows.write('operator', (em) => audit(ctx, em, event))
  return true
}

/** Reads across tenants, within an operation whose reading is recorded. */
export const readAsOperator =
  (ctx: Context): Reader =>
  async (shape) => {
    if (!(await recorded.get(ctx))) throw new Error('Nothing is read through the operator door without a record of it')
    return ctx.rows.select('operator', shape)
  }

/** A change through the operator door, as it is recorded. */
interface Change {
  action: string
  target: { type: 'User' | 'Organization'; id: string }
}

/** What the record says beside the action and its target. */
interface Particulars {
  /** The organization whose ADMINs see the event too. */
  organizationId?: string
  details?: Record<string, string | number | boolean>
}

/**
 * Changes something across tenants. The change and its event are committed together; a refusal is recorded as well, after
 * the roll-back.
 */
export async function changeAsOperator<T>(
  ctx: Context,
  change: Change,
  work: (em: EntityManager) => Promise<Particulars & { result: T }>,
): Promise<T> {
  try {
    return await ctx.rows.write('operator', async (em) => {
      const { result, organizationId = null, details } = await work(em)
      await audit(ctx, em, { action: change.action, ...targetOf(change), organizationId, ...(details && { details }) })
      return result
    })
  } catch (error) {
    if (error instanceof ApiError) await recordRefusal(ctx, change, error)
    throw error
  }
}

async function recordRefusal(ctx: Context, change: Change, error: ApiError): Promise<void> {
  const { reason = error.code } = error.extensions
  const { action } = change
  const event = { action, succeeded: false, organizationId: null, details: { reason: String(reason) } }
  await ctx.rows.write('operator', (em) => audit(ctx, em, { ...event, ...targetOf(change) }))
}

/** The target by its id as it is stored; none where the client has typed something else. */
function targetOf({ target }: Change): Partial<Pick<Change, 'target'>> {
  const id = rowId(target.id)
  return id ? { target: { ...target, id } } : {}
}
