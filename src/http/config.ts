import type { PressureLimits } from './pressure.ts'

/** What one operation may ask for. A refusal is HTTP 400 with the code `OPERATION_TOO_LARGE`. */
export interface OperationLimits {
  /** Lexical tokens of the document: bounds the parser, and everything that walks what it made. */
  maxTokens: number
  /** Levels of fields, fragments expanded. */
  maxDepth: number
  /** Aliased fields, fragments expanded; `__typename` counts like any other field. */
  maxAliases: number
  /** Fields at the top of one operation, fragments expanded. */
  maxRootFields: number
  /** Directives on the operation, its fields and fragments, fragments expanded. */
  maxDirectives: number
  /** Objects that the answer could hold, at their weights: see `createOperationCost`. */
  maxCost: number
  /** Rows of a list whose size the client does not say. */
  pageSizeDefault: number
  /** Rows of one page at most. Enforced by whoever reads the page; the cost takes any number as it is. */
  pageSizeMax: number
  /** Wall-clock time of one operation, from its headers' arrival to its answer. */
  timeoutMs: number
}

/** Settings of the HTTP layer. */
export interface HttpConfig {
  production: boolean
  /** Origins whose pages may call the API; without any, no CORS header is sent. */
  corsOrigins: string[]
  bodyLimitBytes: number
  /** A request arrives within this time, with its body, or is refused: slow senders would hold connections for ever. */
  requestTimeoutMs: number
  /** How many proxies in front of the server append to `X-Forwarded-For`; 0 ignores that header. */
  trustProxyHops: number
  introspection: boolean
  /** Serves GraphiQL at `/graphiql`, from this server alone. */
  graphiql: boolean
  /** Serves Apollo Sandbox to browsers at `/graphql`; it loads from Apollo's servers. */
  sandbox: boolean
  /** `allow`: documents that are known beforehand may be named by their hash. `require`: no others are run. */
  trustedDocuments: 'off' | 'allow' | 'require'
  /** Whether clients may make documents known by their hash. Never where trusted ones are required. */
  automaticPersistedQueries: boolean
  limits: OperationLimits
  pressure: PressureLimits
}
