const type = String.raw`"[\w![\]]+"`

/**
 * The sentences in which graphql-js and graphql-scalars refuse a value, as far as each holds nothing of that value. What
 * stands behind them quotes it. A list of what passes, and not of what does not: a new sentence is no new leak.
 */
const sentences: readonly RegExp[] = [
  RegExp(`^Expected non-nullable type ${type} not to be null`),
  RegExp(`^Expected (?:value of )?type ${type}(?: to be an object)?`),
  RegExp(`^Field "[\\w.]+" of required type ${type} was not provided`),
  RegExp(`^of (?:required|non-null) type ${type} (?:was not provided|must not be null)`),
  // The scalars of GraphQL, its enums, and whatever scalar keeps to their words.
  /^(?:\w+|Enum "\w+") cannot represent (?:[a-z0-9 -]+ )?value(?=: )/,
  /^Enum "\w+" cannot represent non-string value/,
  /^DateTime cannot represent (?:an invalid date-time-string|non string or Date type)/,
  /^Value is not (?:string|an? valid [\w -]+)(?=: )/,
  /^Can only validate strings as email addresses/,
  /^Too many validation errors, error limit reached/,
]

/** Why a value is not accepted, without the value; undefined where that cannot be told apart. */
export function withoutValue(message: string): string | undefined {
  for (const sentence of sentences) {
    const told = sentence.exec(message)?.[0]
    if (told !== undefined) return told
  }
  if (/^of required type "[^"]+" was provided the variable/.test(message)) return 'was not provided'
  if (message.startsWith('has invalid value')) return 'has an invalid value'
  const enumName = /^Value "[\s\S]*" does not exist in ("\w+" enum)/.exec(message)?.[1]
  if (enumName !== undefined) return `value does not exist in ${enumName}`
  return unknownField(message)
}

/** A key that a client sent may be anything; one of letters alone is told, for whoever has mistyped a field. */
function unknownField(message: string): string | undefined {
  const [, key, owner] = /^Field "([\s\S]*)" is not defined by type ("\w+")/.exec(message) ?? []
  if (key === undefined || owner === undefined) return undefined
  return `${/^[A-Za-z]{1,32}$/.test(key) ? `Field "${key}"` : 'a field'} is not defined by type ${owner}`
}

/** What a parser found in place of what it expected: its kind, and not its text. */
export function withoutToken(message: string): string {
  return message.replace(/\b(Name|String|BlockString|Int|Float|sequence:) "[\s\S]*"\.$/, (_, kind: string) => {
    return `${kind.replace(':', '')}.`
  })
}
