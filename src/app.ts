import type { ApolloServerPlugin, GraphQLRequestListener } from '@apollo/server'
import type { FastifyInstance } from 'fastify'
import { OperationTypeNode } from 'graphql'
import type { Logger } from 'pino'
import { accessPlugin } from './access/plugin.ts'
import type { Policy } from './access/policy.ts'
import { createScopeRegistry } from './access/scopes.ts'
import { CLOCK_LEEWAY_SECONDS } from './clock.ts'
import type { Config } from './config.ts'
import { createContext, type Context, type Services } from './context.ts'
import { openDatabase, type Siblings } from './database/database.ts'
import { assertMigrated } from './database/migrate.ts'
import { assertServingRole } from './database/serving-role.ts'
import { noTrustedDocuments, startTrustedDocuments } from './documents/trusted-documents.ts'
import type { FormatError } from './http/errors.ts'
import { describeError } from './http/log.ts'
import { createHttpServer } from './http/server.ts'
import { createJobs } from './jobs/jobs.ts'
import { loadModules, scopesOf, type FeatureModule } from './modules.ts'
import { createDenialRecorder } from './modules/audit-event/denials.ts'
import { oauthEndpoints } from './oauth/endpoints.ts'
import { entitiesOf } from './pipeline-entities.ts'
import { createAccessTokens } from './principal/access-token.ts'
import { startApiKeys } from './principal/api-keys.ts'
import { openExternalIssuers } from './principal/external/external-issuers.ts'
import { assertKnownScopes } from './principal/external/issuer-settings.ts'
import { startRegisteredIssuers } from './principal/external/registered-issuers.ts'
import { identify } from './principal/identify.ts'
import { createPasswordHasher } from './principal/password-hashing.ts'
import { requestLimits } from './principal/request-limits.ts'
import { startRevocations } from './principal/revocations.ts'
import { serverSecrets } from './principal/server-secrets.ts'
import { prepareSigningKeys } from './principal/start-signing-keys.ts'
import { openRateLimits } from './rate-limits/rate-limits.ts'
import { createSchema } from './schema.ts'
import { expectedReads, type ExpectedReads } from './expected-reads.ts'
import { databaseWatch } from './watching/database-metrics.ts'
import { createMetrics } from './watching/metrics.ts'
import { serveMetrics, type MetricsServer } from './watching/metrics-server.ts'
import { startTracing, type Tracing } from './watching/tracing.ts'

/** The server, built and not yet listening. */
export interface App {
  server: FastifyInstance
  services: Services
  /** Starts to listen. @returns the address, such as `http://127.0.0.1:4000`. */
  listen(): Promise<string>
  /** Where the metrics are served, such as `http://127.0.0.1:9464`; null where they are not, or by somebody else. */
  metricsAddress(): string | null
  /** Ends everything that the app has opened; what is still in flight is cut. To drain first, see src/http/drain.ts. */
  close(): Promise<void>
}

interface Surroundings {
  log: Logger
  clock?: () => Date
  /** What an embedded database in memory starts from: one that is made already saves each start the making. */
  image?: Blob | null
  /** The other workers of this server, where there are any. */
  siblings?: Siblings | null
}

/**
 * Builds everything: used by main.ts and by every test.
 * @throws Error where the server could not serve safely: its schema, keys, database or database role are not in order.
 */
export async function createApp(
  config: Config,
  { log, clock = () => new Date(), image = null, siblings = null }: Surroundings,
): Promise<App> {
  const modules = [...(await loadModules()).values()]
  const scopes = createScopeRegistry(scopesOf(modules))
  const { schema, policy } = createSchema(modules, scopes)
  const readsOf = expectedReads(schema, modules)
  assertKnownScopes(config.external.issuers, scopes)
  const tracing = await startTracing(config.tracing, log)
  const services = await startServices(config, modules, { log, clock, scopes, image, siblings, tracing })
  const { keys, documents, ...started } = services
  let metricsServer: MetricsServer | null = null
  const close = async () => {
    await stopServices(services)
    await metricsServer?.close()
    await tracing?.stop()
  }
  try {
    const server = await createHttpServer<Context>({
      config: config.http,
      log,
      schema,
      createContext: async (facts) => createContext(started, facts, await identify(started, facts)),
      countRefused: (facts) => requestLimits(started, facts).byAddress(),
      plugins: (formatError) => [closeRows(readsOf), access(policy, config, started, { formatError, tracing })],
      documents,
      readiness: () => readiness(started, keys.fault()),
      oauth: oauthEndpoints(started),
      jwks: () => keys.jwks(),
      watching: { requests: started.metrics.requests, tracing },
    })
    server.addHook('onClose', close)
    const { host, port } = config.http
    return {
      server,
      services: started,
      async listen() {
        const { metrics } = config
        // Of several workers the primary shows the metrics, of all of them together.
        if (metrics && !siblings) metricsServer = await serveMetrics(metrics, () => started.metrics.text(), log)
        return server.listen({ host, port })
      },
      metricsAddress: () => metricsServer?.address ?? null,
      close: async () => {
        const closed = server.close()
        // A connection that has not brought a request yet would otherwise be waited for, up to a minute.
        server.server.closeAllConnections()
        await closed
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Starting extends Required<Surroundings> {
  scopes: Services['scopes']
  tracing: Tracing | null
}

async function startServices(
  config: Config,
  modules: readonly FeatureModule[],
  { log, clock, scopes, image, siblings, tracing }: Starting,
) {
  const { tokens, production } = config
  const startKeys = prepareSigningKeys(config, log)
  const { pepper, hashKey } = serverSecrets(config)
  const metrics = createMetrics()
  const watch = databaseWatch(metrics.database, tracing)
  const database = await openDatabase(config, entitiesOf(modules), log, { image, siblings, watch })
  const lifetimeSeconds = tokens.accessTtlSeconds + CLOCK_LEEWAY_SECONDS
  try {
    const keys = await startKeys({ database, clock, lifetimeSeconds })
    const revocations = await startRevocations({ database, log, clock, lifetimeSeconds })
    const accessTokens = createAccessTokens({
      keys,
      issuer: tokens.issuer,
      audience: tokens.audience,
      ttlSeconds: tokens.accessTtlSeconds,
      clock: () => clock().getTime(),
      metrics: metrics.credentials,
    })
    const passwords = createPasswordHasher({ ...config.passwords, pepper, metrics: metrics.credentials })
    const environment = production ? 'live' : 'test'
    const apiKeys = await startApiKeys({ database, log, clock, scopes, hashKey, environment })
    const { privateHosts } = config.external
    const registeredIssuers = await startRegisteredIssuers({ database, privateHosts })
    const external = openExternalIssuers({
      ...{ config, log, clock, registered: registeredIssuers },
      metrics: metrics.credentials,
    })
    const rateLimits = await openRateLimits({ database, log, config: config.rateLimits, metrics: metrics.database })
    const isTrusting = config.http.trustedDocuments !== 'off'
    const documents = isTrusting ? await startTrustedDocuments(database, log) : noTrustedDocuments
    const jobs = createJobs({ config, database, log, clock })
    metrics.gauge({ database, rateLimits, revocations, passwords, config })
    if (config.metrics) metrics.watchProcess()
    const stopped = { database, passwords, revocations, apiKeys, registeredIssuers, rateLimits, jobs }
    return { ...stopped, metrics, config, log, scopes, accessTokens, external, clock, keys, documents }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function stopServices(services: Awaited<ReturnType<typeof startServices>>): Promise<void> {
  await services.jobs.stop()
  await services.documents.stop()
  await services.apiKeys.stop()
  await services.registeredIssuers.stop()
  await services.revocations.stop()
  await services.keys.stop()
  await services.passwords.close()
  await services.rateLimits.stop()
  await services.database.close()
}

function access(
  policy: Policy,
  config: Config,
  services: Services,
  { formatError, tracing }: { formatError: FormatError; tracing: Tracing | null },
): ApolloServerPlugin<Context> {
  const record = createDenialRecorder(services.clock)
  return accessPlugin<Context>({
    policy,
    mode: config.authorizationMode,
    formatError,
    ...(tracing && { watch: (decide) => tracing.step('access plan', decide) }),
    onDenied: (ctx, denials, kind) =>
      kind === OperationTypeNode.MUTATION
        ? record(
            ctx,
            denials.map(({ coordinate, error }) => ({ coordinate, missing: missingOf(error) })),
          )
        : undefined,
  })
}

function missingOf(error: { extensions: Record<string, unknown> }): string[] {
  const { missing } = error.extensions
  return Array.isArray(missing) ? missing.map(String) : []
}

/** Gives the operation's connection back, however the operation ends, and at once where it reads a single time. */
function closeRows(readsOf: ExpectedReads): ApolloServerPlugin<Context> {
  const listener: GraphQLRequestListener<Context> = {
    didResolveOperation: async ({ document, contextValue }) => {
      const reads = readsOf(document)
      if (reads !== null) contextValue.rows.expectReads(reads)
    },
    willSendResponse: async ({ contextValue }) => contextValue.rows.close(),
  }
  return { requestDidStart: async () => listener }
}

/** What a load balancer asks before it sends requests here. */
async function readiness(
  { database, rateLimits, log }: Services,
  signingKeys: string | null,
): Promise<Record<string, string>> {
  const check = async (work: () => Promise<unknown>) => {
    try {
      await work()
      return 'ok'
    } catch (error) {
      // The reason is for the log: anybody may ask for the readiness.
      log.warn({ error: describeError(error) }, 'not ready')
      return 'failed'
    }
  }
  const reachable = await check(() => database.orm.em.getConnection().execute('select 1'))
  return {
    database: reachable === 'ok' ? 'ok' : 'unreachable',
    migrations: reachable === 'ok' ? await check(() => assertMigrated(database.orm)) : 'unknown',
    ...(signingKeys && { signingKeys }),
    ...(rateLimits.isDegraded() && { rateLimits: 'degraded: counted by each instance alone' }),
    role: reachable === 'ok' ? await check(() => assertServingRole(database.orm)) : 'unknown',
  }
}
