import { accessPlugin } from '../../src/access/plugin.ts'
import type { Policy } from '../../src/access/policy.ts'
import type { Powers } from '../../src/access/powers.ts'
import { loadConfig } from '../../src/config.ts'
import { noTrustedDocuments } from '../../src/documents/trusted-documents.ts'
import { startApollo } from '../../src/http/graphql.ts'
import { createLogger } from '../../src/http/log.ts'
import type { createSchema } from '../../src/schema.ts'

export type ServedSchema = ReturnType<typeof createSchema>['schema']

/** Executes a document for somebody. @returns the answer, as JSON */
export type Execute = (document: string, powers: Powers | null) => Promise<string>

/**
 * What our server executes operations with. This is the one place that says so: what is measured here must be what serves.
 * @param policy of the plan that is made before execution; null where the schema has no guards
 */
export async function startExecutor(schema: ServedSchema, policy: Policy | null): Promise<Execute> {
  const config = loadConfig()
  const apollo = await startApollo<{ principal: { powers: Powers } | null }>({
    config: config.http,
    log: createLogger('fatal'),
    schema,
    plugins: policy ? [accessPlugin({ policy, mode: config.authorizationMode })] : [],
    documents: noTrustedDocuments,
    formatError: (formatted) => formatted,
  })
  return async (query, powers) => {
    const contextValue = { principal: powers && { powers } }
    const { body } = await apollo.executeOperation({ query }, { contextValue })
    if (body.kind !== 'single') throw new Error('The answer comes in pieces')
    return JSON.stringify(body.singleResult)
  }
}
