import { Buffer } from 'node:buffer'

/** A request as it is sent, with a secret somewhere in it. */
export interface Sent {
  path?: string
  init: RequestInit
}

/** Whoever signs in with this is refused, and an audit event tells of it: of whatever else the request holds, it must not. */
const query = `mutation { login(input: { email: "nobody@example.test", password: "no password 1" }) { tokenType } }`

const post = (body: unknown, headers: Record<string, string> = {}): Sent => ({
  init: {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  },
})

const get = (path: string): Sent => ({ path, init: {} })

const form = (path: string, parameters: Record<string, string>, headers: Record<string, string> = {}): Sent => ({
  path,
  init: {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(parameters).toString(),
  },
})

/** What OAuth's endpoints are sent: any parameter may be what a secret is put into. */
const forms: Record<string, [path: string, parameters: Record<string, string>]> = {
  'client credentials': [
    '/oauth/token',
    { grant_type: 'client_credentials', client_id: 'an-id', client_secret: 'a-secret', scope: 'read:projects' },
  ],
  'a refresh token': ['/oauth/token', { grant_type: 'refresh_token', refresh_token: 'rt_none', unasked: '' }],
  'a password': [
    '/oauth/token',
    { grant_type: 'password', username: 'nobody@example.test', password: 'no password 1' },
  ],
  'an exchange': [
    '/oauth/token',
    {
      ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'none', actor_token: '' },
      ...{
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        requested_token_type: '',
        resource: '',
        audience: '',
      },
    },
  ],
  'a revocation': ['/oauth/revoke', { token: 'none', token_type_hint: 'access_token' }],
  'an introspection': ['/oauth/introspect', { token: 'none', client_id: 'an-id', client_secret: 'a-secret' }],
}

const formsWith = Object.entries(forms).flatMap(([name, [path, parameters]]) => [
  ...Object.keys(parameters).map(
    (parameter) =>
      [`${parameter} of ${name}`, (secret: string) => form(path, { ...parameters, [parameter]: secret })] as const,
  ),
  [`a name in ${name}`, (secret: string) => form(path, { ...parameters, [secret]: secret })] as const,
  [
    `Basic with ${name}`,
    (secret: string) => form(path, parameters, { authorization: `Basic ${encoded(secret)}` }),
  ] as const,
])

/** Headers that a secret is put into: where a credential belongs, where it does not, and where it is none. */
const headers: Record<string, (secret: string) => Record<string, string>> = {
  'Authorization: Bearer': (secret) => ({ authorization: `Bearer ${secret}` }),
  'Authorization: Bearer, like a JWT': (secret) => ({
    authorization: `Bearer eyJhbGciOiJIUzI1NiJ9.${secret}.${secret}`,
  }),
  'Authorization: Basic': (secret) => ({ authorization: `Basic ${encoded(secret)}` }),
  'Authorization, bare': (secret) => ({ authorization: secret }),
  'X-Api-Key': (secret) => ({ 'x-api-key': secret }),
  'X-Api-Key, like one': (secret) => ({ 'x-api-key': `tk_test_${secret.padEnd(49, 'a')}` }),
  'X-Api-Key, endless': (secret) => ({ 'x-api-key': secret + 'x'.repeat(20_000) }),
  'X-Tenant-Api-Key': (secret) => ({ 'x-tenant-api-key': secret }),
  'X-Tenant-Api-Key with X-Tenant-Id': (secret) => ({ 'x-tenant-api-key': secret, 'x-tenant-id': secret }),
  'X-Tenant-Id': (secret) => ({ 'x-tenant-id': secret }),
  'X-Request-Id that is an API key': (secret) => ({ 'x-request-id': `tk_test_${secret.padEnd(49, 'a')}` }),
  'X-Request-Id that is none': (secret) => ({ 'x-request-id': `${secret} ${secret}` }),
  ...Object.fromEntries(
    [
      ...[
        'cookie',
        'referer',
        'origin',
        'traceparent',
        'x-forwarded-for',
        'x-forwarded-host',
        'x-real-ip',
        'forwarded',
      ],
      ...['x-authorization-mode', 'x-apollo-operation-name', 'accept-language', 'if-none-match', 'accept', 'x-secret'],
    ].map((name) => [name, (secret: string) => ({ [name]: secret })]),
  ),
  'Content-Type': (secret) => ({ 'content-type': `text/${secret}` }),
  'Content-Type with a charset': (secret) => ({ 'content-type': `application/json; charset=${secret}` }),
  'Content-Encoding': (secret) => ({ 'content-encoding': secret }),
}

/** A user and password as HTTP encodes them. */
export const encoded = (secret: string): string => Buffer.from(`user:${secret}`).toString('base64')

/** Places in a request around the inputs of its operation, by their names. */
export const surroundings: Record<string, (secret: string) => Sent> = {
  ...Object.fromEntries(
    Object.entries(headers).map(([name, header]) => [name, (secret: string) => post({ query }, header(secret))]),
  ),
  ...Object.fromEntries(formsWith),
  'a body that is no JSON': (secret) => post(`{"query": "${secret}`),
  'a body that is a text': (secret) => post(JSON.stringify(secret)),
  'a body that is a list': (secret) => post([{ query: secret }]),
  'a member of a body': (secret) => post({ query, [secret]: secret }),
  'a query that is none': (secret) => post({ query: { [secret]: secret } }),
  'variables that are a text': (secret) => post({ query, variables: secret }),
  'variables that are a list': (secret) => post({ query, variables: [secret] }),
  'a variable that is not asked for': (secret) => post({ query, variables: { [secret]: secret } }),
  'extensions that are a text': (secret) => post({ query, extensions: secret }),
  'a persisted query': (secret) => post({ extensions: { persistedQuery: { version: 1, sha256Hash: secret } } }),
  'a body that is too long': (secret) => post({ query: secret + 'x'.repeat(200_000) }),
  'an operation name that is none of the document': (secret) => post({ query, operationName: secret }),
  'an operation name that is an object': (secret) => post({ query, operationName: { [secret]: secret } }),
  'a body under another method': (secret) => ({ init: { ...post({ query: secret }).init, method: 'PUT' } }),
  'a query string': (secret) => get(`/graphql?query={__typename}&token=${secret}&${secret}=1`),
  'the query of a query string': (secret) => get(`/graphql?query=${encodeURIComponent(`{ me { "${secret}" } }`)}`),
  'the variables of a query string': (secret) => get(`/graphql?query={__typename}&variables={"x":"${secret}"}`),
  'variables of a query string that are none': (secret) => get(`/graphql?query={__typename}&variables=${secret}`),
  'the operation name of a query string': (secret) => get(`/graphql?query={__typename}&operationName=${secret}`),
  'a path': (secret) => get(`/${secret}?token=${secret}`),
  'a path below': (secret) => get(`/graphql/${secret}`),
  'a path that cannot be decoded': (secret) => get(`/%zz${secret}`),
  'a page': (secret) => get(`/graphiql?token=${secret}`),
  'a default of a variable': (secret) =>
    post({ query: `query ($first: Int = "${secret}") { projects(first: $first) { totalCount } }` }),
  'a literal around a variable': (secret) =>
    post({
      query: `mutation ($email: EmailAddress = "nobody@example.test") {
        login(input: { email: $email, password: "${secret}" }) { tokenType }
      }`,
      variables: { email: null },
    }),
  'the argument of a directive': (secret) => post({ query: `{ me @include(if: "${secret}") { id } }` }),
  'a comment': (secret) => post({ query: `{ me # ${secret}\n { nothing } }` }),
  'a text where none may be': (secret) => post({ query: `{ me "${secret}" }` }),
  'a text that does not end': (secret) => post({ query: `{ project(id: "${secret}` }),
}

/** Names that a document gives, and where each is told: to who wrote it, and for operations in the log. */
export const names: Record<string, { query: (name: string) => string; homes: readonly string[] }> = {
  operation: { query: (name) => `query ${name} { me { id } }`, homes: ['log operationName'] },
  alias: { query: (name) => `{ ${name}: me { id } }`, homes: ['errors path', 'data'] },
  'alias of a mutation': {
    query: (name) => `mutation { ${name}: createProject(input: { name: "a" }) { project { id } } }`,
    homes: ['errors path', 'data'],
  },
  variable: { query: (name) => `query ($${name}: Int) { projects(first: $${name}) { totalCount } }`, homes: [] },
  'variable that is missing': {
    query: (name) => `query ($${name}: Int!) { projects(first: $${name}) { totalCount } }`,
    homes: ['errors message', 'errors extensions'],
  },
  'variable that is not used': { query: (name) => `query ($${name}: Int) { me { id } }`, homes: ['errors message'] },
  fragment: { query: (name) => `{ me { ...${name} } } fragment ${name} on User { id }`, homes: [] },
  'fragment that is not used': {
    query: (name) => `{ me { id } } fragment ${name} on User { id }`,
    homes: ['errors message'],
  },
  'unknown field': { query: (name) => `{ me { ${name} } }`, homes: ['errors message'] },
  'unknown argument': { query: (name) => `{ project(id: 1, ${name}: 1) { id } }`, homes: ['errors message'] },
  'unknown type': { query: (name) => `{ me { ... on ${name} { id } } }`, homes: ['errors message'] },
  'unknown directive': { query: (name) => `{ me @${name} { id } }`, homes: ['errors message'] },
  'name where none may be': { query: (name) => `{ project(id ${name}) }`, homes: [] },
}
