/** A literal: a text, also one that is not closed; a text between dollars; a number that is no part of a name or of `$1`. */
const literals = /'(?:[^']|'')*(?:'|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|(?<![\w$."])\d+(?:\.\d+)?\b/g

/** Names of at most so many characters are told. */
const MOST_CHARACTERS = 4_000

/**
 * A statement's text without a value in it, to be shown to others. The values of most statements do not stand in their text; this
 * is for those that do, such as a `limit`.
 */
export function withoutLiterals(text: string): string {
  return text.slice(0, MOST_CHARACTERS).replace(/\s+/g, ' ').trim().replace(literals, '?')
}

/** What a statement does, to which table, in a few words: `select projects`. */
export function summaryOf(text: string): string {
  const operation = /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'statement'
  const table = /\b(?:from|into|update)\s+(?:"?\w+"?\.)?"?([a-z_]\w*)"?/i.exec(text)?.[1]
  return table === undefined ? operation : `${operation} ${table}`
}
