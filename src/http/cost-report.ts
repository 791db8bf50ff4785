import type { DocumentNode, FormattedExecutionResult, OperationDefinitionNode } from 'graphql'
import type { OperationLimits } from './config.ts'
import type { OperationCost } from './cost.ts'

/** A request, as far as Apollo Server has got with it. */
export interface CostedRequest {
  document?: DocumentNode
  operation?: OperationDefinitionNode
  request: { http?: { headers: Map<string, string> }; variables?: Record<string, unknown> }
}

/** Adds to the answer what its operation costs, where the request asks for it. */
export type ReportCost = (answered: CostedRequest, result: FormattedExecutionResult) => void

/**
 * Answers `GraphQL-Cost: report` with `extensions.cost`: what the operation was counted as, and how much may be asked for.
 * It follows from the document, its variables and the schema alone. What is not valid, and what is refused before it is read,
 * has no cost.
 */
export function costReport({ maxCost }: Pick<OperationLimits, 'maxCost'>, costOf: OperationCost): ReportCost {
  return ({ document, operation, request }, result) => {
    if (request.http?.headers.get('graphql-cost') !== 'report') return
    if (!document || !operation) return
    const requested = costOf(document, operation, request.variables ?? {})
    result.extensions = { ...result.extensions, cost: { requested, maximum: maxCost } }
  }
}
