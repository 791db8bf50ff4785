import {
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'

export type FieldedType = GraphQLObjectType | GraphQLInterfaceType

/** The object and interface types of the schema itself, introspection's own left out. */
export function fieldedTypes(schema: GraphQLSchema): FieldedType[] {
  const types = Object.values(schema.getTypeMap())
  return types.filter((type) => isObjectType(type) || isInterfaceType(type)).filter(isOwn)
}

/** The input object types of the schema. */
export function inputTypes(schema: GraphQLSchema): GraphQLInputObjectType[] {
  return Object.values(schema.getTypeMap()).filter(isInputObjectType)
}

/** False for the types of introspection. */
export function isOwn(type: { readonly name: string }): boolean {
  return !type.name.startsWith('__')
}

/** Every interface that a type implements, those of its interfaces included. */
export function interfacesOf(type: FieldedType): ReadonlySet<GraphQLInterfaceType> {
  const found = new Set(type.getInterfaces())
  for (const one of found) for (const parent of one.getInterfaces()) found.add(parent)
  return found
}
