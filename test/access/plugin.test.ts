import { ApolloServer, type ApolloServerPlugin } from '@apollo/server'
import { describe, expect, test } from '@jest/globals'
import { guardSchema, isPartlyDenied, type AccessContext } from '../../src/access/guard.ts'
import { accessPlugin } from '../../src/access/plugin.ts'
import { bare, contextOf, policyOf, principals, serve, told } from './fixture.ts'

const sdl = `
  type Query {
    open: String @public
    me: String! @auth(kinds: [USER])
    projects: [Project] @scope(requires: "read:projects")
    secrets: String @role(atLeast: ADMIN)
    things: [Thing] @public
  }
  type Project @scope(requires: "read:projects") { id: ID  gateways: [ID] @scope(requires: "read:gateways") }
  interface Thing { id: ID }
  type Plain implements Thing { id: ID }
  type Gem implements Thing @role(atLeast: ADMIN) { id: ID  weight: Int }
  type Ore implements Thing { id: ID  weight: Int @auth(kinds: [USER])  owner: Owner }
  type Owner { id: ID  email: String @auth(kinds: [USER]) }
  type Mutation {
    open: Payload @public
    write: Payload @scope(requires: "write:projects")
    destroy: Payload @role(atLeast: ADMIN)
    find: Thing @public
    login: AuthPayload! @public
    logout: String @auth
    switch: AuthPayload! @auth(kinds: [USER])
  }
  type Payload { id: ID  project: Project }
  type AuthPayload @public { token: String  user: User  nested: AuthInfo }
  type AuthInfo @auth { id: ID }
  type User { id: ID  sessions: [ID] @auth(kinds: [USER])  projects: [Project] }
`
let calls: string[] = []
const call = (name: string, value: unknown) => () => {
  calls.push(name)
  return value
}
const project = { id: 'p', gateways: ['g'] }
const signIn = (_: unknown, __: unknown, context: { principal: AccessContext['principal'] }) => {
  calls.push('login')
  context.principal = { powers: principals.viewer }
  return { token: 't', user: { id: 'u', sessions: ['s'], projects: [project] }, nested: { id: 'i' } }
}
const resolvers = {
  Query: {
    open: call('open', 'o'),
    me: call('me', 'm'),
    projects: call('projects', [project, project]),
    secrets: call('secrets', 's'),
    things: call('things', [
      { __typename: 'Plain', id: '1' },
      { __typename: 'Gem', id: '2' },
      { __typename: 'Ore', id: '3', weight: 3, owner: { id: 'o', email: 'e' } },
    ]),
  },
  Mutation: {
    open: call('open', { id: 'o', project }),
    write: call('write', { id: 'w', project }),
    destroy: call('destroy', { id: 'd' }),
    find: call('find', { __typename: 'Plain', id: '1' }),
    login: signIn,
    logout: call('logout', 'out'),
    switch: signIn,
  },
}
const ask = async (...args: Parameters<ReturnType<typeof serve>>) => {
  calls = []
  return serve(sdl, resolvers)(...args)
}
const reject = { headers: { 'x-authorization-mode': 'reject' } }

describe('a query', () => {
  test('is served without what is denied, whose resolver is not called', async () => {
    const answer = await ask('{ open secrets projects { id gateways } }', { as: 'projectKey' })
    expect(answer.data).toEqual({
      open: 'o',
      secrets: null,
      projects: [
        { id: 'p', gateways: null },
        { id: 'p', gateways: null },
      ],
    })
    expect(told(answer)).toEqual([
      'secrets: FORBIDDEN',
      'projects.0.gateways: FORBIDDEN',
      'projects.1.gateways: FORBIDDEN',
    ])
    expect([answer.status ?? 200, calls]).toEqual([200, ['open', 'projects']])
  })

  test('in which every root field is denied is refused: 401 without a principal', async () => {
    const answer = await ask('{ me projects { id gateways } secrets }')
    expect([answer.status, answer.headers.get('www-authenticate'), calls]).toEqual([401, 'Bearer', []])
    expect(answer.data).toBeUndefined()
    expect(told(answer)).toEqual(['me: UNAUTHENTICATED', 'projects: UNAUTHENTICATED', 'secrets: UNAUTHENTICATED'])
  })

  test('in which every root field is denied is refused: 403 with one', async () => {
    const answer = await ask('query ($no: Boolean!) { me a: secrets open @include(if: $no) }', {
      as: 'fullKey',
      variables: { no: false },
    })
    expect([answer.status, answer.headers.get('www-authenticate'), calls]).toEqual([403, undefined, []])
    expect(answer.data).toBeUndefined()
    expect(answer.errors).toEqual([
      {
        message: 'Query.me requires `USER`',
        path: ['me'],
        locations: [{ line: 1, column: 25 }],
        extensions: { code: 'FORBIDDEN', reason: 'WRONG_KIND', required: ['USER'], missing: ['USER'] },
      },
      {
        message: 'Query.secrets requires `ADMIN`',
        path: ['a'],
        locations: [{ line: 1, column: 28 }],
        extensions: { code: 'FORBIDDEN', reason: 'INSUFFICIENT_ROLE', required: ['ADMIN'], missing: ['ADMIN'] },
      },
    ])
  })

  test('is served as far as __typename and __schema go', async () => {
    const answer = await ask('{ __typename secrets }')
    expect([answer.status ?? 200, answer.data, told(answer)]).toEqual([
      200,
      { __typename: 'Query', secrets: null },
      ['secrets: UNAUTHENTICATED'],
    ])
    expect((await ask('{ __schema { queryType { name } } secrets }')).status ?? 200).toBe(200)
  })

  test('that selects nothing in the end is served', async () => {
    expect((await ask('{ secrets @skip(if: true) }')).data).toEqual({})
  })

  test('is refused as a whole when the caller asks for it, in whatever case', async () => {
    for (const value of ['reject', ' Reject ']) {
      const answer = await ask('{ open secrets }', { as: 'viewer', headers: { 'x-authorization-mode': value } })
      expect([answer.status, answer.data, told(answer), calls]).toEqual([403, undefined, ['secrets: FORBIDDEN'], []])
    }
  })

  test('is refused as a whole when the server says so, and no header loosens that', async () => {
    calls = []
    const strict = serve(sdl, resolvers, { mode: 'reject' })
    const answer = await strict('{ open secrets }', { headers: { 'x-authorization-mode': 'partial' } })
    expect([answer.status, told(answer), calls]).toEqual([401, ['secrets: UNAUTHENTICATED'], []])
  })

  test('is decided item by item through an interface', async () => {
    const query = '{ things { id ... on Ore { weight owner { email } } } }'
    const answer = await ask(query, { as: 'readKey' })
    expect(answer.data).toEqual({ things: [{ id: '1' }, null, { id: '3', weight: null, owner: { email: null } }] })
    expect(told(answer)).toEqual([
      'things.1: FORBIDDEN',
      'things.2.weight: FORBIDDEN',
      'things.2.owner.email: FORBIDDEN',
    ])
    expect((await ask(query, { as: 'admin' })).errors).toEqual([])
  })

  test('that must not be partial is refused for what an interface may turn out to be', async () => {
    const answer = await ask('{ things { id ... on Ore { weight owner { email } } } }', { as: 'readKey', ...reject })
    expect([answer.status, told(answer), calls]).toEqual([
      403,
      ['things: FORBIDDEN', 'things.weight: FORBIDDEN', 'things.owner.email: FORBIDDEN'],
      [],
    ])
  })

  test('whose operation cannot be told is answered by the server, not by access', async () => {
    const answer = await ask('query A { open } query B { secrets }', { operationName: 'C' })
    expect([answer.status, told(answer)]).toEqual([400, [': OPERATION_RESOLUTION_FAILURE']])
  })

  test('is decided for the operation that runs, not for its neighbours', async () => {
    const query = 'query A { open } query B { secrets }'
    expect((await ask(query, { operationName: 'A' })).data).toEqual({ open: 'o' })
    expect((await ask(query, { operationName: 'B' })).status).toBe(401)
  })
})

describe('a mutation', () => {
  test.each([
    ['a root field', '{ open { id } destroy { id } }', ['destroy: FORBIDDEN']],
    ['a field within', '{ open { id project { id } } write { id } }', ['open.project: FORBIDDEN', 'write: FORBIDDEN']],
    ['a field in a fragment', '{ open { ...F } } fragment F on Payload { p: project { id } }', ['open.p: FORBIDDEN']],
    ['a field beside __typename', '{ __typename destroy { id } }', ['destroy: FORBIDDEN']],
    ['__typename of a guarded type', '{ open { project { __typename } } }', ['open.project: FORBIDDEN']],
  ])('is refused as a whole for %s, and no resolver runs', async (_, selection, errors) => {
    const answer = await ask(`mutation ${selection}`, { as: 'operator' })
    expect([answer.status, answer.data, told(answer), calls]).toEqual([403, undefined, errors, []])
  })

  test('is 401 without a principal', async () => {
    const answer = await ask('mutation { open { id } write { id } }')
    expect([answer.status, answer.headers.get('www-authenticate'), told(answer), calls]).toEqual([
      401,
      'Bearer',
      ['write: UNAUTHENTICATED'],
      [],
    ])
  })

  test('runs when all of it is granted, left out parts aside', async () => {
    const query = 'mutation ($all: Boolean!) { write { id project { id } } destroy @include(if: $all) { id } }'
    const answer = await ask(query, { as: 'developer', variables: { all: false } })
    expect([answer.data, calls]).toEqual([{ write: { id: 'w', project: { id: 'p' } } }, ['write']])
    expect((await ask(query, { as: 'developer', variables: { all: true } })).status).toBe(403)
  })

  test('with a variable that is no boolean is not run', async () => {
    const query = 'mutation ($all: Boolean!) { write { id } destroy @include(if: $all) { id } }'
    const answer = await ask(query, { as: 'developer', variables: { all: 'false' } })
    expect([answer.status, calls]).toEqual([403, []])
  })

  test.each([
    ['{ find { id } }', ['find: FORBIDDEN']],
    ['{ find { __typename } }', ['find: FORBIDDEN']],
    ['{ find { ... on Gem { weight } } }', ['find: FORBIDDEN']],
    ['{ find { ... on Ore { weight } } }', ['find.weight: FORBIDDEN']],
    ['{ find { ... on Ore { owner { email } } } }', ['find.owner.email: FORBIDDEN']],
    ['{ find { ... on Plain { id } ... on Ore { id owner { id } } } }', []],
  ])('is refused for what an interface may turn out to be: %s', async (selection, errors) => {
    const answer = await ask(`mutation ${selection}`, { as: 'readKey' })
    expect([told(answer), calls]).toEqual([errors, errors.length > 0 ? [] : ['find']])
  })
})

describe('a sign-in', () => {
  test('authorizes what is under it as who has just signed in', async () => {
    const query = 'mutation { login { token nested { id } user { id sessions projects { id gateways } } } }'
    const answer = await ask(query)
    expect(answer.errors).toEqual([])
    expect(answer.data).toMatchObject({ login: { user: { sessions: ['s'], projects: [project] } } })
  })

  test('does not open what its principal may not have', async () => {
    const silent = serve(sdl, { ...resolvers, Mutation: { login: () => ({ token: 't', user: { sessions: ['s'] } }) } })
    const answer = await silent('mutation { login { token user { sessions } } }')
    expect(answer.data).toEqual({ login: { token: 't', user: { sessions: null } } })
    expect(told(answer)).toEqual(['login.user.sessions: UNAUTHENTICATED'])
  })

  test('does not open the fields beside it', async () => {
    const answer = await ask('mutation { login { token } logout }')
    expect([answer.status, told(answer), calls]).toEqual([401, ['logout: UNAUTHENTICATED'], []])
  })

  test('is itself guarded', async () => {
    const answer = await ask('mutation { switch { token user { sessions } } }', { as: 'fullKey' })
    expect([answer.status, told(answer), calls]).toEqual([403, ['switch: FORBIDDEN'], []])
  })
})

describe('the server', () => {
  test('is told what was denied for certain, and of which operation', async () => {
    const heard: string[] = []
    const listening = serve(sdl, resolvers, {
      onDenied: (context, denials, kind) => {
        const who = [...(context.principal?.powers.kinds ?? [])].join()
        heard.push(...denials.map(({ coordinate, path }) => `${who} ${kind} ${coordinate} ${path.join('.')}`))
      },
    })
    await listening('{ open }', { as: 'readKey' })
    await listening('{ things { id } }', { as: 'readKey' })
    expect(heard).toEqual([])
    await listening('{ open s: secrets things { id } }', { as: 'readKey' })
    await listening('mutation { find { id } destroy { id } }', { as: 'readKey' })
    expect(heard).toEqual([
      'API_KEY query Query.secrets s',
      'API_KEY mutation Gem find',
      'API_KEY mutation Mutation.destroy destroy',
    ])
  })

  test('formats a refusal as it formats other errors', async () => {
    const formatting = serve(sdl, resolvers, {
      formatError: (formatted, error) => ({ ...formatted, message: `${(error as Error).name}: ${formatted.message}` }),
    })
    const { errors } = await formatting('{ secrets }')
    expect(errors[0]?.message).toBe('GraphQLError: Query.secrets requires authentication')
  })
})

describe('the schema alone, without the server', () => {
  const askBare = bare(sdl, resolvers)

  test('calls no resolver of a denied field', async () => {
    calls = []
    const result = await askBare('mutation { open { id project { id } } destroy { id } }', { as: 'readKey' })
    expect(result.data).toEqual({ open: { id: 'o', project: { id: 'p' } }, destroy: null })
    expect([told(result), calls]).toEqual([['destroy: FORBIDDEN'], ['open']])
  })

  test('says the same as the server', async () => {
    const { errors } = await askBare('{ secrets }', { as: 'viewer' })
    expect(errors?.[0]?.toJSON()).toEqual((await ask('{ secrets }', { as: 'viewer' })).errors[0])
  })
})

test('who watches hears of what is denied ahead, and of nothing else', async () => {
  const heard: string[][] = []
  const onDenied = (_: unknown, denials: readonly { coordinate: string }[]) =>
    void heard.push(denials.map(({ coordinate }) => coordinate))
  const asking = serve(sdl, resolvers, { onDenied })
  expect((await asking('{ open }', { as: 'viewer' })).errors).toEqual([])
  // Which of the things are gems is known at run time.
  expect(told(await asking('{ open things { id } }', { as: 'viewer' }))).toEqual(['things.1: FORBIDDEN'])
  expect(heard).toEqual([])
  expect(told(await asking('{ open secrets }', { as: 'viewer' }))).toEqual(['secrets: FORBIDDEN'])
  expect(heard).toEqual([['Query.secrets']])
})

test('an operation that did not come over HTTP is decided as well, and only one that is denied in part is noted as such', async () => {
  const policy = policyOf(sdl, resolvers)
  const partly: boolean[] = []
  const noting: ApolloServerPlugin<AccessContext> = {
    requestDidStart: async () => ({
      willSendResponse: async ({ contextValue, operation }) => {
        partly.push(operation !== undefined && isPartlyDenied(contextValue, operation))
      },
    }),
  }
  const server = new ApolloServer<AccessContext>({
    schema: guardSchema(policy.schema, policy),
    plugins: [accessPlugin({ policy, mode: 'partial' }), noting],
  })
  for (const query of ['{ open }', '{ open secrets }', '{ secrets }']) {
    const { body } = await server.executeOperation({ query }, { contextValue: contextOf('viewer') })
    const errors = body.kind === 'single' ? (body.singleResult.errors ?? []) : []
    expect(errors.length).toBe(query.includes('secrets') ? 1 : 0)
  }
  expect(partly).toEqual([false, true, false])
})
