import type {
  ASTVisitor,
  DocumentNode,
  FragmentDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  ValidationRule,
} from 'graphql'
import { Kind } from 'graphql'
import { ApiError } from '../errors.ts'
import type { OperationLimits } from './config.ts'

/**
 * Depth that introspection is held to instead of `maxDepth`: the query of GraphiQL, Sandbox and code
 * generators is 15 deep (nine levels of `ofType`). What makes introspection expensive is its lists within
 * lists, and graphql-js itself allows three of those (MaxIntrospectionDepthRule).
 */
export const maxIntrospectionDepth = 20

/** How large an operation is, with its fragments expanded. */
export interface OperationSize {
  depth: number
  introspectionDepth: number
  aliases: number
  rootFields: number
  directives: number
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

/** A refusal of an operation that is larger than the server allows. */
export function tooLarge(limit: string, maximum: number, actual: number): ApiError {
  return new ApiError('OPERATION_TOO_LARGE', `The operation exceeds the limit on its ${limit}: ${maximum}`, {
    limit,
    maximum,
    actual: Math.min(actual, Number.MAX_SAFE_INTEGER),
  })
}

/** A validation rule that refuses operations beyond the limits that need no variables: depth, aliases, root fields, directives. */
export function operationLimits(limits: OperationLimits): ValidationRule {
  return (context): ASTVisitor => ({
    Document(document) {
      for (const size of operationSizes(document)) {
        for (const refusal of refusals(size, limits)) context.reportError(refusal)
      }
    },
  })
}

function refusals(size: OperationSize, limits: OperationLimits): ApiError[] {
  const checks: [string, number, number][] = [
    ['depth', limits.maxDepth, size.depth],
    ['introspectionDepth', maxIntrospectionDepth, size.introspectionDepth],
    ['aliases', limits.maxAliases, size.aliases],
    ['rootFields', limits.maxRootFields, size.rootFields],
    ['directives', limits.maxDirectives, size.directives],
  ]
  return checks.filter(([, maximum, actual]) => actual > maximum).map((check) => tooLarge(...check))
}

/** The size of each operation of a document, which need not be valid. */
export function operationSizes(document: DocumentNode): OperationSize[] {
  const fragments = fragmentsOf(document)
  const measured = new Map<string, OperationSize>()
  return document.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => withDirectives(operation, measureSet(operation.selectionSet, fragments, measured)))
}

/** The fragments of a document by name. */
export function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  return fragments
}

const nothing: OperationSize = { depth: 0, introspectionDepth: 0, aliases: 0, rootFields: 0, directives: 0 }

function measureSet(set: SelectionSetNode, fragments: Fragments, measured: Map<string, OperationSize>): OperationSize {
  return set.selections
    .map((selection) => measureSelection(selection, fragments, measured))
    .reduce(
      (sum, size) => ({
        depth: Math.max(sum.depth, size.depth),
        introspectionDepth: Math.max(sum.introspectionDepth, size.introspectionDepth),
        aliases: sum.aliases + size.aliases,
        rootFields: sum.rootFields + size.rootFields,
        directives: sum.directives + size.directives,
      }),
      nothing,
    )
}

function measureSelection(
  selection: SelectionNode,
  fragments: Fragments,
  measured: Map<string, OperationSize>,
): OperationSize {
  return withDirectives(selection, measureBare(selection, fragments, measured))
}

function withDirectives({ directives = [] }: { directives?: readonly unknown[] }, size: OperationSize): OperationSize {
  return directives.length === 0 ? size : { ...size, directives: size.directives + directives.length }
}

/** The size of a selection without the directives on it. */
function measureBare(
  selection: SelectionNode,
  fragments: Fragments,
  measured: Map<string, OperationSize>,
): OperationSize {
  if (selection.kind === Kind.INLINE_FRAGMENT) return measureSet(selection.selectionSet, fragments, measured)
  if (selection.kind === Kind.FRAGMENT_SPREAD) return measureFragment(selection.name.value, fragments, measured)
  const below = selection.selectionSet === undefined ? nothing : measureSet(selection.selectionSet, fragments, measured)
  const aliases = below.aliases + (selection.alias === undefined ? 0 : 1)
  const name = selection.name.value
  if (name === '__schema' || name === '__type') {
    return { ...below, depth: 1, introspectionDepth: below.depth + 1, aliases, rootFields: 1 }
  }
  return { ...below, depth: below.depth + 1, aliases, rootFields: 1 }
}

function measureFragment(name: string, fragments: Fragments, measured: Map<string, OperationSize>): OperationSize {
  const known = measured.get(name)
  if (known !== undefined) return known
  const fragment = fragments.get(name)
  if (fragment === undefined) return nothing
  // Until it is measured it counts as nothing, so that a cycle, which another rule reports, comes to an end.
  // Each fragment is measured once: fragments that spread each other twice double 2^n only in the numbers.
  measured.set(name, nothing)
  const size = measureSet(fragment.selectionSet, fragments, measured)
  measured.set(name, size)
  return size
}
