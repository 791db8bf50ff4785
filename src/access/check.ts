import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql'
import { readRules, type ElementRules } from './directives.ts'
import { fieldedTypes, interfacesOf, isOwn } from './elements.ts'
import type { ScopeRegistry } from './scopes.ts'

type Position = 'OBJECT' | 'INTERFACE' | 'FIELD' | 'ARGUMENT' | 'INPUT_FIELD' | 'ELSEWHERE'

interface Element {
  readonly coordinate: string
  readonly position: Position
  readonly rules: ElementRules
  /** The type on which, or on whose use, enforcement depends. */
  readonly type: string | null
}

/** Every mistake of the schema's access rules, each with its coordinate, in the order of the schema. */
export function findMistakes(
  schema: GraphQLSchema,
  registry: ScopeRegistry,
  signInTypes: ReadonlySet<string>,
): string[] {
  const elements = elementsOf(schema, registry)
  const reached = reachedTypes(schema)
  return [
    ...rootMistakes(schema, elements),
    ...elements.flatMap(({ coordinate, rules }) => rules.mistakes.map((mistake) => `${coordinate}: ${mistake}`)),
    ...elements.flatMap((element) => placeMistakes(element, reached)),
    ...signInMistakes(schema, signInTypes),
    ...executableDirectiveMistakes(schema, elements),
  ]
}

function rootMistakes(schema: GraphQLSchema, elements: readonly Element[]): string[] {
  const subscription = schema.getSubscriptionType()
  const roots = [schema.getQueryType(), schema.getMutationType()].flatMap((type) => type?.name ?? [])
  const open = elements.filter(
    ({ position, type, rules }) => position === 'FIELD' && roots.includes(type ?? '') && rules.names.length === 0,
  )
  return [
    ...open.map(({ coordinate }) => `${coordinate}: says nothing of access: give it @public, @auth, @role or @scope`),
    ...(subscription ? [`${subscription.name}: access to subscriptions is not enforced, so there may be none`] : []),
  ]
}

function placeMistakes({ coordinate, position, rules, type }: Element, reached: ReadonlySet<string>): string[] {
  const names = [...new Set(rules.names)]
  if (position === 'ELSEWHERE') return names.map((name) => `${coordinate}: @${name} is not enforced here`)
  const misplaced = position !== 'FIELD' && position !== 'OBJECT' ? names.filter((name) => name === 'public') : []
  const unused = type !== null && !reached.has(type) ? names : []
  return [
    ...misplaced.map((name) => `${coordinate}: @${name} is for object types and their fields`),
    ...unused.map((name) => `${coordinate}: @${name} is not enforced: no operation reaches ${type}`),
  ]
}

/** Root fields of a mutation run one after another; anywhere else a sign-in would race with its siblings. */
function signInMistakes(schema: GraphQLSchema, signInTypes: ReadonlySet<string>): string[] {
  const mutation = schema.getMutationType()
  return fieldedTypes(schema)
    .filter((type) => type !== mutation)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
    .filter(({ field }) => signInTypes.has(getNamedType(field.type).name))
    .map(({ type, field }) => `${type.name}.${field.name}: only a field of the mutation root may return a sign-in`)
}

/** Arguments of directives in a caller's document reach no resolver and are not looked at. */
function executableDirectiveMistakes(schema: GraphQLSchema, elements: readonly Element[]): string[] {
  const guarded = elements.filter(({ position, rules }) => position === 'INPUT_FIELD' && rules.names.length > 0)
  return schema.getDirectives().flatMap((directive) => {
    const inputs = reachedFrom(schema, directive.args)
    return guarded
      .filter(({ type }) => inputs.has(type ?? ''))
      .map(({ coordinate }) => `${coordinate}: is not enforced in the arguments of @${directive.name}`)
  })
}

/** The types that some operation can reach, as output or as input. */
function reachedTypes(schema: GraphQLSchema): ReadonlySet<string> {
  const roots = [schema.getQueryType(), schema.getMutationType()].flatMap((type) => type ?? [])
  return closure(schema, roots)
}

function reachedFrom(schema: GraphQLSchema, args: readonly GraphQLArgument[]): ReadonlySet<string> {
  return closure(
    schema,
    args.map((argument) => getNamedType(argument.type)),
  )
}

function closure(schema: GraphQLSchema, from: readonly GraphQLNamedType[]): ReadonlySet<string> {
  const found = new Set<GraphQLNamedType>(from)
  for (const type of found) for (const next of neighbours(schema, type)) found.add(next)
  return new Set([...found].map((type) => type.name))
}

function neighbours(schema: GraphQLSchema, type: GraphQLNamedType): GraphQLNamedType[] {
  const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : []
  if (isInputObjectType(type)) return Object.values(type.getFields()).map((field) => getNamedType(field.type))
  if (!isObjectType(type) && !isInterfaceType(type)) return [...possible]
  const fields = Object.values(type.getFields())
  const arguments_ = fields.flatMap((field) => field.args)
  // Rules of an interface are copied down, so they are in force wherever one of its implementers is reached.
  const parents = isObjectType(type) ? interfacesOf(type) : []
  return [...possible, ...parents, ...[...fields, ...arguments_].map((one) => getNamedType(one.type))]
}

function elementsOf(schema: GraphQLSchema, registry: ScopeRegistry): Element[] {
  const types = Object.values(schema.getTypeMap()).filter(isOwn)
  const directives = schema.getDirectives().flatMap((directive) =>
    directive.args.map((argument): Element => ({
      coordinate: `@${directive.name}(${argument.name}:)`,
      position: 'ELSEWHERE',
      rules: readRules(argument, registry),
      type: null,
    })),
  )
  return [
    { coordinate: 'schema', position: 'ELSEWHERE', rules: readRules(schema, registry), type: null },
    ...types.flatMap((type) => elementsOfType(type, registry)),
    ...directives,
  ]
}

function elementsOfType(type: GraphQLNamedType, registry: ScopeRegistry): Element[] {
  const position = isObjectType(type) ? 'OBJECT' : isInterfaceType(type) ? 'INTERFACE' : 'ELSEWHERE'
  const make = (coordinate: string, place: Position, element: Parameters<typeof readRules>[0]): Element => ({
    coordinate,
    position: place,
    rules: readRules(element, registry),
    type: type.name,
  })
  const own = make(type.name, position, type)
  if (isEnumType(type)) {
    return [own, ...type.getValues().map((value) => make(`${type.name}.${value.name}`, 'ELSEWHERE', value))]
  }
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields())
    return [own, ...fields.map((field) => make(`${type.name}.${field.name}`, 'INPUT_FIELD', field))]
  }
  if (!isObjectType(type) && !isInterfaceType(type)) return [own]
  const inner = Object.values(type.getFields()).flatMap((field) => [
    make(`${type.name}.${field.name}`, 'FIELD', field),
    ...field.args.map((argument) => make(`${type.name}.${field.name}(${argument.name}:)`, 'ARGUMENT', argument)),
  ])
  return [own, ...inner]
}
