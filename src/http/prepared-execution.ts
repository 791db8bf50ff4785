import { HeaderMap, type ApolloServerPlugin, type BaseContext } from '@apollo/server'
import {
  getVariableValues,
  Kind,
  OperationTypeNode,
  visit,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql'
import { isPartlyDenied } from '../access/guard.ts'
import { prepareQuery, type Budget, type PreparedQuery } from '../execution/prepare.ts'
import type { VariableValues } from '../execution/run.ts'

/** A query is prepared when it is asked for so often: most of those that are asked once are never asked again. */
const ASKED_BEFORE = 2

/**
 * How many fields of a document are prepared, in all ways of all of its operations together: what is kept must not be more than a
 * document of its length may take (document-store.ts).
 */
const CHARACTERS_A_FIELD = 4
const LEAST_FIELDS = 32

/** How many ways of skipping and including parts of one query are prepared. */
const WAYS = 16

interface KnownQuery {
  asked: number
  /** The variables that decide what is skipped and included. */
  readonly deciding: readonly string[]
  /** By what the deciding variables say. Null: left to graphql-js. */
  readonly ways: Map<string, PreparedQuery | null>
}

/**
 * Executes queries that are asked again and again in a way that was prepared once, which takes a fraction of the time. Its
 * answer is used only where nothing went wrong: an answer with an error is graphql-js's own, so that messages, paths and codes
 * are exactly its. Mutations are executed once, and so by graphql-js alone.
 *
 * It stands behind whatever else answers operations. What is prepared is kept for as long as its document is.
 */
export function preparedExecution<Context extends BaseContext>(schema: GraphQLSchema): ApolloServerPlugin<Context> {
  const queries = new WeakMap<OperationDefinitionNode, KnownQuery>()
  const budgets = new WeakMap<DocumentNode, Budget>()

  function preparedOf(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: VariableValues,
  ): PreparedQuery | null {
    const query = queries.get(operation) ?? {
      asked: 0,
      deciding: decidingVariables(document),
      ways: new Map<string, PreparedQuery | null>(),
    }
    queries.set(operation, query)
    query.asked += 1
    if (query.asked < ASKED_BEFORE) return null
    const way = wayOf(query, variables)
    const before = query.ways.get(way)
    if (before !== undefined || query.ways.size === WAYS) return before ?? null
    const budget = budgets.get(document) ?? budgetOf(document)
    budgets.set(document, budget)
    const prepared = prepare(schema, document, operation, variables, budget)
    query.ways.set(way, prepared)
    return prepared
  }

  const listener = {
    async responseForOperation({ document, operation, request, contextValue }: Asked<Context>) {
      if (operation?.operation !== OperationTypeNode.QUERY) return null
      // Its answer has errors, which are graphql-js's.
      if (isPartlyDenied(contextValue, operation)) return null
      const coerced = coerce(schema, operation, request.variables)
      if (coerced === undefined) return null
      const data = await preparedOf(document, operation, coerced)?.(contextValue, coerced)
      if (!data) return null
      return { body: { kind: 'single' as const, singleResult: { data } }, http: { headers: new HeaderMap() } }
    },
  }
  return { requestDidStart: async () => listener }
}

interface Asked<Context> {
  document: DocumentNode
  /** Undefined, whatever Apollo's types say, where the operation's name fits none. */
  operation: OperationDefinitionNode | undefined
  request: { variables?: Record<string, unknown> }
  contextValue: Context
}

/** The variables' values; none where one of them is wrong, which graphql-js tells. */
function coerce(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode, given = {}) {
  return getVariableValues(schema, variableDefinitions, given, { maxErrors: 1 }).coerced
}

function budgetOf({ loc }: DocumentNode): Budget {
  return { fields: Math.max(LEAST_FIELDS, Math.floor((loc?.source.body.length ?? 0) / CHARACTERS_A_FIELD)) }
}

function prepare(...query: Parameters<typeof prepareQuery>): PreparedQuery | null {
  try {
    return prepareQuery(...query)
  } catch {
    // Whatever is wrong with it, graphql-js tells that.
    return null
  }
}

/** The variables of `@skip` and `@include`. */
function decidingVariables(document: DocumentNode): string[] {
  const names = new Set<string>()
  visit(document, {
    Directive: ({ arguments: given = [] }) => {
      for (const { value } of given) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  return [...names]
}

/**
 * What the deciding variables say, a character each. A name may be that of a text in another operation of the document, which
 * decides nothing, and must not become part of it.
 */
function wayOf({ deciding }: KnownQuery, variables: VariableValues): string {
  const said = (value: unknown) => (value === true ? 't' : value === false ? 'f' : value === null ? 'n' : '-')
  return deciding.map((name) => said(variables[name])).join('')
}
