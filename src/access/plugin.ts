import { HeaderMap, type ApolloServerPlugin, type GraphQLRequestContext } from '@apollo/server'
import { locatedError, OperationTypeNode, type GraphQLFormattedError, type OperationDefinitionNode } from 'graphql'
import { httpStatusOf } from '../errors.ts'
import type { Decision, OperationDenial } from './decide.ts'
import { handVariables, type AccessContext } from './guard.ts'
import { createPlanner } from './planner.ts'
import type { Policy } from './policy.ts'

export interface AccessPluginOptions<C extends AccessContext> {
  readonly policy: Policy
  /** `partial`: a query is served without what is denied in it. `reject`: one denial refuses the whole operation. */
  readonly mode: 'partial' | 'reject'
  /** Told of what is refused for certain, before the answer leaves or the rest is executed. */
  readonly onDenied?: (
    context: C,
    denials: readonly OperationDenial[],
    operationKind: OperationTypeNode,
  ) => void | Promise<void>
  /** The server's own: a refusal does not pass through the server's formatting. */
  readonly formatError?: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError
  readonly plansPerDocument?: number
  /** Given each decision to make, to see how long it takes. */
  readonly watch?: (decide: () => Decision) => Decision
}

const authorizationModeHeader = 'x-authorization-mode'

/**
 * Decides each operation after validation and before any resolver. It must stand before any other plugin that answers
 * operations, because the first answer wins. A refusal has errors and no data; status 401 or 403.
 */
export function accessPlugin<C extends AccessContext>(options: AccessPluginOptions<C>): ApolloServerPlugin<C> {
  const { policy, mode, onDenied, watch = (decide) => decide() } = options
  const planner = createPlanner(policy, options.plansPerDocument)
  return {
    async requestDidStart() {
      return {
        async responseForOperation(requestContext) {
          const { document, request, contextValue } = requestContext
          // Undefined where the operation's name fits none: execution tells that.
          const operation = requestContext.operation as OperationDefinitionNode | undefined
          if (!operation) return null
          const powers = contextValue.principal?.powers ?? null
          const { operationName, variables } = request
          const decision = watch(() => planner.decide({ document, operationName, variables }, powers))
          if (decision.denials.length === 0) return null
          const rejects = mode === 'reject' || asksToReject(requestContext)
          const refused = refuses(operation.operation, decision, rejects)
          const told = refused ? decision.denials : decision.denials.filter((denial) => !denial.viaAbstract)
          if (told.length > 0) await onDenied?.(contextValue, told, operation.operation)
          if (refused) return refusal(decision.denials, options.formatError)
          handVariables(contextValue, operation, variables)
          return null
        },
      }
    },
  }
}

/** True when nothing may run: a mutation is all or nothing, a query is refused where nothing would be left of it. */
export function refuses(kind: OperationTypeNode, { denials, rootDenied }: Decision, rejects: boolean): boolean {
  return denials.length > 0 && (kind !== OperationTypeNode.QUERY || rejects || rootDenied)
}

/** A caller may ask for more strictness than the server's setting, never for less. */
function asksToReject<C extends AccessContext>({ request }: GraphQLRequestContext<C>): boolean {
  return request.http?.headers.get(authorizationModeHeader)?.trim().toLowerCase() === 'reject'
}

function refusal<C extends AccessContext>(
  denials: readonly OperationDenial[],
  formatError: AccessPluginOptions<C>['formatError'],
) {
  const errors = denials.map(({ error, node, path }) => {
    const located = locatedError(error, node, path)
    return formatError ? formatError(located.toJSON(), located) : located.toJSON()
  })
  const isAnonymous = denials.some(({ error }) => error.code === 'UNAUTHENTICATED')
  const headers = new HeaderMap(isAnonymous ? [['www-authenticate', 'Bearer']] : [])
  const status = isAnonymous ? httpStatusOf.UNAUTHENTICATED : httpStatusOf.FORBIDDEN
  return {
    body: { kind: 'single' as const, singleResult: { errors } },
    http: { status, headers },
  }
}
