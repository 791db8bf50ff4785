import { visit, type DocumentNode } from 'graphql'
import { badUserInput } from '../errors.ts'

type Path = readonly (string | number)[]

/** U+0000, which PostgreSQL cannot store, and halves of surrogate pairs, which UTF-8 cannot spell. */
const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** Documents whose own strings have been looked at: the same object comes from the store of parsed documents each time. */
const checked = new WeakSet<DocumentNode>()

/**
 * Refuses strings that no column can hold, wherever a client puts them: a driver's error about them would be internal.
 * @throws ApiError BAD_USER_INPUT with the path of the first one.
 */
export function assertStorableText(document: DocumentNode, variables: Record<string, unknown> | undefined): void {
  const path = (variables && pathOfUnstorable(variables, [])) ?? pathOfUnstorableLiteral(document)
  if (path) throw badUserInput({ path, reason: 'must be Unicode text without the character U+0000' })
}

/** No input type of a schema comes near; deeper values would only exhaust whoever walks them. */
const DEEPEST = 64

function pathOfUnstorable(value: unknown, path: Path): Path | null {
  if (typeof value === 'string') return isStorable(value) ? null : path
  if (typeof value !== 'object' || value === null) return null
  if (path.length > DEEPEST) throw badUserInput({ path: path.slice(0, 1), reason: 'must not be nested so deeply' })
  for (const [key, below] of Object.entries(value)) {
    const found = pathOfUnstorable(below, [...path, Array.isArray(value) ? Number(key) : nameOf(key)])
    if (found) return found
  }
  return null
}

/** A key is told where it can be that of a field; any other may be anything. */
const nameOf = (key: string): string => (/^[A-Za-z]{1,32}$/.test(key) ? key : '…')

function pathOfUnstorableLiteral(document: DocumentNode): Path | null {
  if (checked.has(document)) return null
  const path: string[] = []
  const found: Path[] = []
  const named = {
    enter: (node: { name: { value: string } }) => void path.push(node.name.value),
    leave: () => void path.pop(),
  }
  visit(document, {
    Argument: named,
    ObjectField: named,
    StringValue: (node) => {
      if (!isStorable(node.value)) found.push([...path])
    },
  })
  if (found.length === 0) checked.add(document)
  return found[0] ?? null
}
