import {
  getArgumentValues,
  GraphQLBoolean,
  GraphQLID,
  GraphQLString,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  OperationTypeNode,
  TypeNameMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js'
import { abstract, leaf, list, nonNull, nullable, object } from './complete.ts'
import { execute, type Complete, type PreparedField } from './execute.ts'
import { Unusual, type Data, type VariableValues } from './run.ts'

/** Answers a query once more. Null: something was wrong or unusual, and graphql-js has to answer. */
export type PreparedQuery = (
  contextValue: unknown,
  variableValues: VariableValues,
) => Promise<Data | null> | Data | null

interface Preparing {
  readonly schema: GraphQLSchema
  readonly fragments: Record<string, FragmentDefinitionNode>
  readonly operation: OperationDefinitionNode
  readonly variables: VariableValues
  readonly budget: Budget
}

/** How many fields may still be prepared: a fragment that stands in several places is prepared for each of them. */
export interface Budget {
  fields: number
}

type CollectedFields = ReadonlyMap<string, readonly FieldNode[]>

/**
 * Prepares a query for being executed many times: which fields it selects, of which types, with which arguments, is found out
 * once. It holds for variables that skip and include the same as the ones given. What it takes is taken from the budget.
 * @throws Unusual (or what graphql-js throws) where the query is to be left to graphql-js
 */
export function prepareQuery(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: VariableValues,
  budget: Budget,
): PreparedQuery {
  const type = schema.getQueryType()
  if (operation.operation !== OperationTypeNode.QUERY || !type) throw new Unusual()
  const fragments = Object.create(null) as Preparing['fragments']
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition
  }
  const preparing = { schema, fragments, operation, variables, budget }
  const selected = collectFields(schema, fragments, variables, type, operation.selectionSet)
  const fields = prepareFields(preparing, type, selected)
  return (contextValue, variableValues) => execute(fields, contextValue, variableValues)
}

function prepareFields(preparing: Preparing, type: GraphQLObjectType, selected: CollectedFields): PreparedField[] {
  return [...selected].map(([key, nodes]) => {
    const [node] = nodes
    // It is no key of an object literal; graphql-js makes objects of another kind.
    if (node === undefined || key === '__proto__') throw new Unusual()
    preparing.budget.fields -= 1
    if (preparing.budget.fields < 0) throw new Unusual()
    const name = node.name.value
    const definition = name === '__typename' ? TypeNameMetaFieldDef : type.getFields()[name]
    // Introspection is rare.
    if (!definition) throw new Unusual()
    return prepareField(preparing, type, definition, key, node, nodes)
  })
}

function prepareField(
  preparing: Preparing,
  parentType: GraphQLObjectType,
  definition: GraphQLField<unknown, unknown>,
  key: string,
  node: FieldNode,
  fieldNodes: readonly FieldNode[],
): PreparedField {
  const { schema, fragments, operation } = preparing
  const { name: fieldName, type: returnType, resolve } = definition
  return {
    key,
    fieldName,
    resolve: fieldName === '__typename' ? () => parentType.name : (resolve ?? null),
    argumentsOf: prepareArguments(definition, node),
    info: { fieldName, fieldNodes, returnType, parentType, schema, fragments, rootValue: undefined, operation },
    complete: completionOf(preparing, returnType, fieldNodes),
  }
}

/** The arguments of a field, as graphql-js reads them; once, where no variable has a part in them and nobody could change them. */
function prepareArguments(definition: GraphQLField<unknown, unknown>, node: FieldNode): PreparedField['argumentsOf'] {
  const read = (variables: VariableValues) => getArgumentValues(definition, node, variables)
  const literals = (node.arguments ?? []).every(({ value }) => value.kind in plainLiterals)
  const isShared = literals && definition.args.every(({ defaultValue }) => typeof defaultValue !== 'object')
  if (!isShared) return read
  const values = Object.freeze(read({}))
  return () => values
}

const plainLiterals = {
  [Kind.INT]: true,
  [Kind.STRING]: true,
  [Kind.BOOLEAN]: true,
  [Kind.ENUM]: true,
  [Kind.NULL]: true,
}

function completionOf(preparing: Preparing, type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
  if (isNonNullType(type)) return nonNull(completionOfNullable(preparing, type.ofType, nodes))
  return nullable(completionOfNullable(preparing, type, nodes))
}

function completionOfNullable(preparing: Preparing, type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
  if (isListType(type)) return list(completionOf(preparing, type.ofType as GraphQLOutputType, nodes))
  if (isLeafType(type)) return leaf(type, identical(type))
  const fieldsOf = (objectType: GraphQLObjectType) => {
    if (objectType.isTypeOf) throw new Unusual()
    const { schema, fragments, variables } = preparing
    return prepareFields(preparing, objectType, collectSubfields(schema, fragments, variables, objectType, nodes))
  }
  if (isObjectType(type)) return object(fieldsOf(type))
  if (isAbstractType(type)) return abstract(preparing.schema, type, fieldsOf)
  throw new Unusual()
}

/** Values of this `typeof` are what the type's `serialize` makes of them. */
function identical(type: GraphQLLeafType): 'string' | 'boolean' | null {
  if (type === GraphQLString || type === GraphQLID) return 'string'
  return type === GraphQLBoolean ? 'boolean' : null
}
