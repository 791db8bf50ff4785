import { ApolloServer, HeaderMap, type ApolloServerPlugin, type BaseContext } from '@apollo/server'
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled'
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default'
import { OperationTypeNode, type GraphQLSchema } from 'graphql'
import type { Logger } from 'pino'
import { databaseFailure } from '../database/failures.ts'
import type { TrustedDocuments } from '../documents/trusted-documents.ts'
import { ApiError, httpStatusOf } from '../errors.ts'
import { preparedExecution } from './prepared-execution.ts'
import type { HttpConfig } from './config.ts'
import { costReport } from './cost-report.ts'
import { createOperationCost, type OperationCost } from './cost.ts'
import type { FormatError } from './errors.ts'
import { operationLimits, tooLarge } from './limits.ts'
import { persistedQueries } from './persisted-queries.ts'
import { requestScope } from './request.ts'
import { headersOfError, httpStatus, type OperationGate } from './status.ts'
import { assertStorableText } from './text.ts'

export interface ApolloOptions<Context extends BaseContext> {
  config: HttpConfig
  log: Logger
  schema: GraphQLSchema
  plugins: ApolloServerPlugin<Context>[]
  formatError: FormatError
  documents: TrustedDocuments
}

/**
 * Starts Apollo Server with all that it sends to others, guesses for others or tells to others turned off.
 * @throws Error where the schema's cost directives make no sense
 */
export async function startApollo<Context extends BaseContext>(
  options: ApolloOptions<Context>,
): Promise<ApolloServer<Context>> {
  const { config, log, schema } = options
  const persisted = persistedQueries(options)
  const costOf = createOperationCost(schema, config.limits)
  const apollo = new ApolloServer<Context>({
    schema,
    logger: log,
    formatError: options.formatError,
    introspection: config.introspection,
    hideSchemaDetailsFromClientErrors: config.production,
    includeStacktraceInErrorResponses: false,
    nodeEnv: config.production ? 'production' : 'development',
    stopOnTerminationSignals: false,
    allowBatchedHttpRequests: false,
    ...persisted.settings,
    parseOptions: { maxTokens: config.limits.maxTokens },
    validationRules: [operationLimits(config.limits)],
    validationOptions: { maxErrors: 10 },
    executionOptions: { maxCoercionErrors: 10 },
    csrfPrevention: true,
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      config.sandbox && !config.production
        ? ApolloServerPluginLandingPageLocalDefault({ includeCookies: false, embed: { runTelemetry: false } })
        : ApolloServerPluginLandingPageDisabled(),
      persisted.plugin,
      ...options.plugins,
      preparedExecution(schema),
      httpStatus(
        operationGate(config, schema, { costOf, documents: options.documents }),
        costReport(config.limits, costOf),
      ),
    ],
  })
  await apollo.start()
  return apollo
}

/** Decides, once variables are known, whether an operation runs at all. @throws ApiError where it does not */
function operationGate(
  { limits }: HttpConfig,
  schema: GraphQLSchema,
  { costOf, documents }: { costOf: OperationCost; documents: TrustedDocuments },
): OperationGate {
  return async ({ document, operation, operationName, queryHash, request }) => {
    const scope = requestScope.getStore()
    if (scope !== undefined) scope.operationName = operationName?.slice(0, 100) ?? null
    if (operation === undefined) return
    // graphql-js would fail in execution, which nobody could tell from a fault of the server.
    if (operation.operation === OperationTypeNode.SUBSCRIPTION || !schema.getRootType(operation.operation)) {
      throw new ApiError('OPERATION_RESOLUTION_FAILURE', `This server has no ${operation.operation} operations`)
    }
    if (scope !== undefined) {
      scope.type = operation.operation === OperationTypeNode.MUTATION ? 'mutation' : 'query'
      scope.trustedName = operationName && documents.holds(queryHash) ? operationName : null
      if (scope.type === 'query') scope.limit.isQuery()
    }
    assertStorableText(document, request.variables)
    const cost = costOf(document, operation, request.variables ?? {})
    if (cost > limits.maxCost) throw tooLarge('cost', limits.maxCost, cost)
  }
}

/** Runs a context function so that its refusals keep their status: Apollo Server would answer 500 to all of them. */
export async function withStatus<Context>(create: () => Promise<Context> | Context): Promise<Context> {
  try {
    return await create()
  } catch (thrown) {
    const error = databaseFailure(thrown) ?? thrown
    if (!(error instanceof ApiError)) throw error
    const { message, extensions } = error
    const status = Math.max(httpStatusOf[error.code], 400)
    const headers = new HeaderMap(headersOfError({ message, extensions }, status))
    const refusal = new ApiError(error.code, message, { ...extensions, http: { status, headers } })
    throw Object.assign(refusal, { cause: error.cause })
  }
}
