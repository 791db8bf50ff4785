/** What a statement is given for each of its `$1`, `$2`, …: one of the caller's values, the tenant, or always the same. */
export type Slot = { readonly value: number } | { readonly constant: unknown } | 'tenant'

/** A statement whose text is made once, and that is prepared under its name on each connection that runs it. */
export interface CompiledStatement {
  readonly name: string
  readonly text: string
  readonly slots: readonly Slot[]
}

/** A value that a statement is given; a list is one value, however long it is. */
export type Value = string | Date | readonly string[]

/** The ORM's half of a statement: its text with `?` for each value, and the values. */
export interface OrmQuery {
  readonly sql: string
  readonly params: readonly unknown[]
}

/** Stands for the tenant while a statement is compiled. No organization has it: their ids are UUIDv7. */
export const STAND_IN_TENANT = '00000000-0000-4000-8000-ffffffffffff'

/** Stands for a value while a statement is compiled: of its type, and like no other. */
export function standInFor<V extends Value>(at: number, value: V): V {
  const text = `00000000-0000-4000-8000-${at.toString(16).padStart(12, '0')}`
  const standIn = typeof value === 'string' ? text : value instanceof Date ? new Date(Date.UTC(1900, 0) + at) : [text]
  return standIn as Value as V
}

/** What a stand-in is known by; the ORM takes a list apart where it writes one. */
const keyOf = (value: unknown): unknown =>
  value instanceof Date ? value.getTime() : value instanceof Array ? value[0] : value

let made = 0

/**
 * Makes a statement of what the ORM has compiled with stand-ins in the place of values. What was not a value cannot become
 * one, and each keeps its place.
 * @throws Error where a value has no place in it, or, where the rows are a tenant's, the tenant has none: the ORM has not
 * applied its filter.
 */
export function compiledFrom(
  { sql, params }: OrmQuery,
  standIns: readonly Value[],
  { ofTenant }: { ofTenant: boolean },
): CompiledStatement {
  const places = new Map(standIns.map((value, at) => [keyOf(value), at]))
  const slots = params.map((param): Slot => {
    if (param === STAND_IN_TENANT) return 'tenant'
    const value = places.get(keyOf(param))
    return value === undefined ? { constant: param } : { value }
  })
  if (ofTenant && !slots.includes('tenant')) throw new Error(`The statement does not name the tenant: ${sql}`)
  const placed = new Set(slots.map((slot) => (slot !== 'tenant' && 'value' in slot ? slot.value : null)))
  if (standIns.some((_, at) => !placed.has(at))) throw new Error(`A value has no place in the statement: ${sql}`)
  const isList = slots.map((slot) => slot !== 'tenant' && 'value' in slot && standIns[slot.value] instanceof Array)
  made += 1
  return { name: `compiled ${made}`, text: numbered(sql, isList), slots }
}

/** `$1` for the first `?`, and so on; `in (?)` becomes `= any($1)`, for a list of any length, unless it is cast already. */
function numbered(sql: string, isList: readonly boolean[]): string {
  const [first = '', ...pieces] = sql.split('?')
  // A question mark that is no value's: in a name, or an operator.
  if (pieces.length !== isList.length) throw new Error(`The statement's values cannot be told from its text: ${sql}`)
  return pieces.reduce((text, piece, at) => {
    if (!isList[at] || piece.startsWith('::')) return `${text}$${at + 1}${piece}`
    const before = /^([\s\S]*[^t]) in \($/.exec(text)?.[1]
    if (before === undefined || !piece.startsWith(')')) throw new Error(`A list stands where none can: ${sql}`)
    return `${before} = any($${at + 1})${piece.slice(1)}`
  }, first)
}

/** What a statement is sent with, in the order of its `$1`, `$2`, …. */
export function valuesFor({ slots }: CompiledStatement, values: readonly Value[], tenant: string): unknown[] {
  return slots.map((slot) => (slot === 'tenant' ? tenant : 'value' in slot ? values[slot.value] : slot.constant))
}
