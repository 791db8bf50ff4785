import { Kind, type ConstDirectiveNode, type ConstValueNode } from 'graphql'
import { principalKinds, roles, type PrincipalKind, type Role } from '../principal/principal.ts'
import { combine, nothing, requirementOf, type Requirement } from './rules.ts'
import { isGrant, type ScopeRegistry } from './scopes.ts'

/** The access directives of one element of the schema, read. */
export interface ElementRules {
  /** The directives that stand there, every repeat of each. */
  readonly names: readonly string[]
  readonly requirement: Requirement
  readonly mistakes: readonly string[]
}

interface SchemaElement {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] } | null | undefined
  readonly extensionASTNodes?: readonly { readonly directives?: readonly ConstDirectiveNode[] }[] | null | undefined
}

type Read = (args: ReadonlyMap<string, ConstValueNode>, registry: ScopeRegistry, say: Say) => Requirement
type Say = (mistake: string) => void

const readers: Readonly<Record<string, Read>> = {
  public: () => nothing,
  auth: readAuth,
  role: readRole,
  scope: readScope,
}
const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  public: [],
  auth: ['kinds'],
  role: ['atLeast'],
  scope: ['requires', 'anyOf'],
}

/** The names of the access directives. */
export const accessDirectives: readonly string[] = Object.keys(readers)

/**
 * Reads every access directive of an element: from its definition and all its extensions, all repeats.
 * Mistakes are told, not thrown, so that the start-up check can name all of them.
 */
export function readRules(element: SchemaElement, registry: ScopeRegistry): ElementRules {
  const nodes = [element.astNode, ...(element.extensionASTNodes ?? [])]
  const directives = nodes
    .flatMap((node) => node?.directives ?? [])
    .filter((directive) => accessDirectives.includes(directive.name.value))
  const mistakes: string[] = []
  const requirements = directives.map((directive) => readDirective(directive, registry, mistakes))
  const names = directives.map((directive) => directive.name.value)
  const others = names.filter((name) => name !== 'public').map((name) => `@${name}`)
  if (names.includes('public') && others.length > 0) mistakes.push(`@public contradicts ${others.join(', ')}`)
  return { names, requirement: combine(...requirements), mistakes }
}

function readDirective(directive: ConstDirectiveNode, registry: ScopeRegistry, mistakes: string[]): Requirement {
  const name = directive.name.value
  const say: Say = (mistake) => void mistakes.push(`@${name}: ${mistake}`)
  const args = new Map((directive.arguments ?? []).map((argument) => [argument.name.value, argument.value]))
  for (const argument of args.keys()) {
    // A misspelt argument must not turn a requirement into a weaker one.
    if (!argumentsOf[name]?.includes(argument)) say(`unknown argument ${argument}`)
  }
  return readers[name]?.(args, registry, say) ?? requirementOf({})
}

function readAuth(args: ReadonlyMap<string, ConstValueNode>, _: ScopeRegistry, say: Say): Requirement {
  const kinds = readList(args, 'kinds', say)
  if (kinds === null) return requirementOf({})
  const isKind = (kind: string): kind is PrincipalKind => (principalKinds as readonly string[]).includes(kind)
  for (const kind of kinds) if (!isKind(kind)) say(`unknown kind ${kind}`)
  return requirementOf({ kinds: [kinds.filter(isKind)] })
}

function readRole(args: ReadonlyMap<string, ConstValueNode>, _: ScopeRegistry, say: Say): Requirement {
  const names = readList(args, 'atLeast', say) ?? []
  const isRole = (role: string): role is Role => (roles as readonly string[]).includes(role)
  const [role, ...more] = names
  if (role === undefined || more.length > 0) say('atLeast must name one role')
  else if (!isRole(role)) say(`unknown role ${role}`)
  else return requirementOf({ role })
  return requirementOf({})
}

function readScope(args: ReadonlyMap<string, ConstValueNode>, registry: ScopeRegistry, say: Say): Requirement {
  const scopes = readList(args, 'requires', say)
  const anyOf = readList(args, 'anyOf', say)
  if (scopes === null && anyOf === null) say('neither requires nor anyOf is given')
  for (const scope of [...(scopes ?? []), ...(anyOf ?? [])]) {
    if (registry.isKnown(scope)) continue
    say(isGrant(scope) && scope.includes('*') ? `wildcard in a requirement: ${scope}` : `unknown scope ${scope}`)
  }
  return requirementOf({ scopes: scopes ?? [], anyOf: anyOf === null ? [] : [anyOf] })
}

/** The texts of a list, or of the one value that stands for a list; null where nothing is given. */
function readList(args: ReadonlyMap<string, ConstValueNode>, name: string, say: Say): string[] | null {
  const value = args.get(name)
  if (value === undefined || value.kind === Kind.NULL) return null
  const items = value.kind === Kind.LIST ? value.values : [value]
  if (items.length === 0) say(`${name} is empty`)
  return items.flatMap((item) => {
    if (item.kind === Kind.STRING || item.kind === Kind.ENUM) return [item.value]
    say(`${name} holds what is not a name`)
    return []
  })
}
