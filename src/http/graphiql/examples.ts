/** A tab of GraphiQL, as its `defaultTabs` take it. */
export interface ExampleTab {
  query: string
  /** JSON, as in the editors below the query. */
  variables: string
  headers: string
}

const json = (value: unknown): string => JSON.stringify(value, null, 2)
const authorization = json({ Authorization: 'Bearer …' })

const register = `# 1. Registers a user and, with organizationName, an organization whose ADMIN the user becomes.
# This page keeps the access token of the answer for this browser tab, and sends it with what you run next.
mutation Register($input: RegisterInput!) {
  register(input: $input) {
    accessToken
    refreshToken
    expiresIn
    user {
      id
      email
    }
    organization {
      id
      name
      slug
    }
  }
}
`

const login = `# 2. Signs the same user in. The newest access token replaces the one before.
mutation Login($input: LoginInput!) {
  login(input: $input) {
    accessToken
    refreshToken
    expiresIn
    organization {
      id
      name
    }
  }
}
`

const createProject = `# 3. Creates a project in the current organization: the one that the access token names.
# To use a token of your own, write it into the Headers tab in place of the dots.
mutation CreateProject($input: CreateProjectInput!) {
  createProject(input: $input) {
    project {
      id
      name
      description
      createdAt
    }
  }
}
`

const listProjects = `# 4. A page of projects, each with its gateways.
query ListProjects($first: Int, $after: String) {
  projects(first: $first, after: $after) {
    totalCount
    nodes {
      id
      name
      gateways(first: 10) {
        totalCount
        nodes {
          id
          name
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`

const credentials = { email: 'ada@example.com', password: 'seven-looms-and-1-engine' }

/** The example session: every tab can be run as it stands, from the first to the last. */
export const exampleTabs: readonly ExampleTab[] = [
  {
    query: register,
    variables: json({ input: { ...credentials, firstName: 'Ada', lastName: 'Lovelace', organizationName: 'Engines' } }),
    headers: '',
  },
  { query: login, variables: json({ input: credentials }), headers: '' },
  {
    query: createProject,
    variables: json({ input: { name: 'Difference engine', description: 'Tables, by steam' } }),
    headers: authorization,
  },
  { query: listProjects, variables: json({ first: 10 }), headers: authorization },
]
