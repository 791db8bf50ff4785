import * as g from 'graphql'

// The rules of access, read as slowly and plainly as they are written: one object after another, one directive after
// another. Nothing is planned, kept or shared with `src/access`, which must come to the same verdict.

export interface Caller {
  readonly kind: 'USER' | 'OPERATOR' | 'API_KEY' | 'EXTERNAL'
  readonly role: 'VIEWER' | 'DEVELOPER' | 'ADMIN' | null
  /** Granted, wildcards kept. Of several lists, each must cover a scope. */
  readonly grants: readonly (readonly string[])[]
}

/** The name of an object's type, or of a leaf's; or a list of such. */
export type Value = string | null | readonly Value[]

export interface Asked {
  readonly schema: g.GraphQLSchema
  readonly document: g.DocumentNode
  readonly operation: g.OperationDefinitionNode
  readonly variables: Readonly<Record<string, unknown>>
  readonly caller: Caller | null
  readonly signedIn: Caller | null
  /** What each field gives; or null for whatever it could give. */
  readonly world: ((type: g.GraphQLOutputType, path: string) => Value) | null
}

/** Denied: `path coordinate`, and an asterisk where that hangs on the type that an object turns out to have. */
export interface Verdict {
  readonly denied: Set<string>
  readonly served: Set<string>
  readonly refused: boolean
}

type Run = Asked & Pick<Verdict, 'denied' | 'served'>
type Type = g.GraphQLObjectType | g.GraphQLInterfaceType
type Element = Type | g.GraphQLField<unknown, unknown> | g.GraphQLArgument | g.GraphQLInputField
type Input = readonly [coordinate: string, element: Element]
type Place = Readonly<{ path: string; isSure: boolean; caller: Caller | null }>
function holds({ grants }: Caller, scope: string): boolean {
  const covers = (grant: string) => grant.split(':').every((word, at) => word === '*' || word === scope.split(':')[at])
  return grants.every((list) => list.some(covers))
}

function satisfies(caller: Caller | null, { name, arguments: given = [] }: g.ConstDirectiveNode): boolean {
  const values = given.map((one) => [one.name.value, [g.valueFromASTUntyped(one.value)].flat()] as const)
  const { kinds, atLeast, requires = [], anyOf } = Object.fromEntries(values) as Record<string, string[]>
  if (name.value === 'public' || caller === null) return name.value === 'public'
  const isUser = caller.kind === 'USER' || caller.kind === 'OPERATOR'
  const roles = ['VIEWER', 'DEVELOPER', 'ADMIN']
  if (name.value === 'role') return isUser && roles.indexOf(caller.role ?? '') >= roles.indexOf(atLeast![0]!)
  if (name.value === 'auth') return !kinds || kinds.includes(caller.kind) || (isUser && kinds.includes('USER'))
  return requires.every((scope) => holds(caller, scope)) && (!anyOf || anyOf.some((scope) => holds(caller, scope)))
}

/** All that stands on the elements, in definitions and extensions, repeats included, combines with AND. */
function may(caller: Caller | null, elements: readonly Element[]): boolean {
  const nodes = elements.flatMap((one) => [one.astNode, 'extensionASTNodes' in one ? one.extensionASTNodes : []].flat())
  return nodes.flatMap((node) => node?.directives ?? []).every((directive) => satisfies(caller, directive))
}

const rulesOf = (type: g.GraphQLNamedType): Type[] => ('getInterfaces' in type ? [type, ...type.getInterfaces()] : [])
const declarations = (owner: Type, name: string) => rulesOf(owner).flatMap((one) => one.getFields()[name] ?? [])

/** A value of the document, variables filled in; undefined where it is left out. */
function read(run: Run, node: g.ValueNode): unknown {
  if (node.kind === g.Kind.LIST) return node.values.map((item) => read(run, item))
  const { fields } = node as Partial<g.ObjectValueNode>
  if (fields) return Object.fromEntries(fields.map(({ name, value }) => [name.value, read(run, value)]))
  if (node.kind !== g.Kind.VARIABLE) return g.valueFromASTUntyped(node)
  if (Object.hasOwn(run.variables, node.name.value)) return run.variables[node.name.value]
  const declared = run.operation.variableDefinitions?.find((one) => one.variable.name.value === node.name.value)
  return declared?.defaultValue && read(run, declared.defaultValue)
}

/** All that a value supplies, null included. */
function suppliedIn(type: g.GraphQLInputType, value: unknown): Input[] {
  if (g.isNonNullType(type)) return suppliedIn(type.ofType, value)
  if (g.isListType(type)) return [value].flat().flatMap((item) => suppliedIn(type.ofType, item))
  if (!g.isInputObjectType(type) || typeof value !== 'object' || value === null) return []
  return Object.values(type.getFields()).flatMap((field): Input[] => {
    const inner = (value as Record<string, unknown>)[field.name]
    return inner === undefined ? [] : [[`${type.name}.${field.name}`, field], ...suppliedIn(field.type, inner)]
  })
}

function suppliedBy(run: Run, owner: Type, node: g.FieldNode): Input[] {
  return (node.arguments ?? []).flatMap(({ name, value: written }): Input[] => {
    const value = read(run, written)
    if (value === undefined) return []
    const args = declarations(owner, node.name.value).flatMap((field) => field.args)
    const [first, ...same] = args.filter((one) => one.name === name.value)
    const own = [first!, ...same].map((one): Input => [`${owner.name}.${node.name.value}(${name.value}:)`, one])
    return [...own, ...suppliedIn(first!.type, value)]
  })
}

/** The fields of a selection that apply to an object of the type. Only what is certainly left out is left out. */
function fieldsOf(run: Run, type: Type, set: g.SelectionSetNode): g.FieldNode[] {
  return set.selections.flatMap((one) => {
    if (one.directives?.some((node) => read(run, node.arguments![0]!.value) === (node.name.value === 'skip'))) return []
    if (one.kind === g.Kind.FIELD) return [one]
    const fragments = run.document.definitions.filter((node) => node.kind === g.Kind.FRAGMENT_DEFINITION)
    const fragment = 'name' in one ? fragments.find((node) => node.name.value === one.name.value)! : one
    const on = fragment.typeCondition ? run.schema.getType(fragment.typeCondition.name.value) : type
    if (on !== type && !(g.isAbstractType(on) && run.schema.isSubType(on, type))) return []
    return fieldsOf(run, type, fragment.selectionSet)
  })
}

/** @returns of each field whether it is resolved. */
function visitObject(run: Run, owner: g.GraphQLObjectType, set: g.SelectionSetNode, under: Place): boolean[] {
  return fieldsOf(run, owner, set).map((node) => {
    const { value: name } = node.name
    const place = { ...under, path: `${under.path}${under.path && '.'}${(node.alias ?? node.name).value}` }
    if (name.startsWith('__')) return true
    const { type } = owner.getFields()[name]!
    const rules = [...declarations(owner, name), ...rulesOf(owner), ...rulesOf(g.getNamedType(type))]
    const inputs = suppliedBy(run, owner, node).filter(([, input]) => !may(place.caller, [input]))
    const denied = may(place.caller, rules) ? inputs.map(([input]) => input) : [`${owner.name}.${name}`]
    for (const coordinate of denied) run.denied.add(`${place.path} ${coordinate}${place.isSure ? '' : '*'}`)
    if (denied.length === 0) run.served.add(place.path)
    if (denied.length === 0 && node.selectionSet) visitType(run, owner, type, node.selectionSet, place)
    return denied.length === 0
  })
}

function visitType(run: Run, owner: Type, type: g.GraphQLOutputType, set: g.SelectionSetNode, place: Place): void {
  const named = g.getNamedType(type)
  const isAbstract = g.isAbstractType(named)
  const isSignIn = named.name === 'AuthPayload' && owner === run.schema.getMutationType()
  const under = { ...place, isSure: place.isSure && !isAbstract, ...(isSignIn && { caller: run.signedIn }) }
  const visit = (value: Value, path: string): void => {
    if (typeof value !== 'string') return value?.forEach((item, at) => visit(item, `${path}.${at}`))
    const object = run.schema.getType(value) as g.GraphQLObjectType
    const isTold = isAbstract && fieldsOf(run, object, set).length > 0
    if (isTold && !may(under.caller, rulesOf(object))) run.denied.add(`${path} ${object.name}*`)
    else visitObject(run, object, set, { ...under, path })
  }
  const possible = isAbstract ? run.schema.getPossibleTypes(named) : [named]
  if (run.world) visit(run.world(type, place.path), place.path)
  // What is under a sign-in is for whoever will have signed in: nobody knows ahead who that is.
  else if (!isSignIn) for (const one of possible) visit(one.name, place.path)
}

export function judge(asked: Asked): Verdict {
  const run = { ...asked, denied: new Set<string>(), served: new Set<string>() }
  const root = asked.schema.getRootType(asked.operation.operation)!
  const fields = visitObject(run, root, asked.operation.selectionSet, { path: '', isSure: true, caller: asked.caller })
  return { ...run, refused: run.denied.size > 0 && (root === asked.schema.getMutationType() || !fields.includes(true)) }
}
