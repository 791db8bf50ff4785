import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App } from './app.ts'
import type { Config } from './config.ts'
import { IN_MEMORY } from './database/embedded.ts'
import type { Role } from './principal/principal.ts'

interface DemoOrganization {
  name: string
  /** Projects, each with its gateways. */
  projects: Record<string, string[]>
  /** The first is its ADMIN, who registers with it. */
  members: Record<string, Role>
}

/** Small enough to be printed, with every role on both sides of the wall, and with one person on both. */
const organizations: DemoOrganization[] = [
  {
    name: 'Acme Looms',
    projects: { Jacquard: ['Leeds', 'Lyon'], Spinning: ['Manchester'] },
    members: {
      'ada@acme.example': 'ADMIN',
      'dan@acme.example': 'DEVELOPER',
      'vera@acme.example': 'VIEWER',
      'sam@consulting.example': 'DEVELOPER',
    },
  },
  {
    name: 'Borealis Power',
    projects: { 'Wind farm': ['North ridge', 'South ridge'], Metering: ['Meter hall'] },
    members: {
      'bea@borealis.example': 'ADMIN',
      'dora@borealis.example': 'DEVELOPER',
      'vic@borealis.example': 'VIEWER',
      'sam@consulting.example': 'VIEWER',
    },
  },
]

/**
 * The settings of a demo: a database in memory, and keys that are gone with the process, whatever else is configured.
 * @throws Error in production: the demo prints credentials.
 */
export function demoConfig(config: Config): Config {
  if (config.production) throw new Error('The demo prints credentials, so it does not start in production')
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-demo-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const database = { ...config.database, url: null, migrationUrl: null }
  const rateLimits = { ...config.rateLimits, redis: null }
  return Object.freeze({
    ...config,
    workers: 1,
    database,
    rateLimits,
    webhook: null,
    dataDir: join(directory, IN_MEMORY),
  })
}

/** An organization that is there, with what its members and services sign in with. */
interface Filled {
  name: string
  id: string
  members: { email: string; role: Role; token: string }[]
  apiKey: string
}

/** Sends an operation as a client would, through everything but the network. */
type Send = <Data>(query: string, input: object, token?: string) => Promise<Data>

function sendTo({ server }: App): Send {
  return async <Data>(query: string, input: object, token?: string) => {
    const answer = await server.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      payload: { query, variables: { input } },
    })
    const { data, errors } = answer.json<{ data: Data; errors?: { message: string }[] }>()
    if (errors?.[0]) throw new Error(`The demo could not be filled: ${errors[0].message}`)
    return data
  }
}

/**
 * Fills an empty server with two organizations and their people, projects and gateways.
 * @returns the credentials of everybody, ready to paste.
 */
export async function fillDemo(app: App, address: string): Promise<string> {
  const { config, log } = app.services
  const { level } = log
  log.level = 'warn'
  try {
    const password = `a1-${randomBytes(Math.ceil(config.passwords.minLength / 2)).toString('hex')}`
    const tokens = await registerAll(sendTo(app), password, config.passwords.threads)
    const filled: Filled[] = []
    for (const organization of organizations) filled.push(await fillOrganization(sendTo(app), organization, tokens))
    return describe(filled, password, address)
  } finally {
    log.level = level
  }
}

/** Everybody's access token, by e-mail address. As many register at once as there are threads to hash on: none has to wait. */
async function registerAll(send: Send, password: string, threads: number): Promise<Map<string, string>> {
  const waiting = new Set(organizations.flatMap(({ members }) => Object.keys(members))).values()
  const tokens = new Map<string, string>()
  const work = async () => {
    // One iterator for all: each takes the next who has not registered.
    for (const email of waiting) tokens.set(email, await register(send, email, password))
  }
  await Promise.all(Array.from({ length: threads }, work))
  return tokens
}

async function register(send: Send, email: string, password: string): Promise<string> {
  const own = organizations.find(({ members }) => Object.keys(members)[0] === email)
  const answer = await send<{ register: { accessToken: string } }>(
    'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }',
    { email, password, ...(own && { organizationName: own.name }) },
  )
  return answer.register.accessToken
}

async function fillOrganization(
  send: Send,
  { name, projects, members }: DemoOrganization,
  tokens: ReadonlyMap<string, string>,
): Promise<Filled> {
  const [admin = '', ...others] = Object.keys(members)
  const token = tokens.get(admin)
  for (const email of others) {
    const input = { email, role: members[email] }
    await send('mutation ($input: AddMemberInput!) { addMember(input: $input) { __typename } }', input, token)
  }
  for (const [project, gateways] of Object.entries(projects)) await fillProject(send, project, gateways, token)
  const { createApiKey } = await send<{ createApiKey: { secret: string } }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }',
    { name: 'Metabase Analytics', service: 'metabase', scopes: ['read:*'] },
    token,
  )
  const { organization } = await send<{ organization: { id: string } }>('{ organization { id } }', {}, token)
  const filled: Filled = { name, id: organization.id, members: [], apiKey: createApiKey.secret }
  for (const [email, role] of Object.entries(members)) {
    const { switchOrganization } = await send<{ switchOrganization: { accessToken: string } }>(
      'mutation ($input: SwitchOrganizationInput!) { switchOrganization(input: $input) { accessToken } }',
      { organizationId: organization.id },
      tokens.get(email),
    )
    filled.members.push({ email, role, token: switchOrganization.accessToken })
  }
  return filled
}

async function fillProject(send: Send, name: string, gateways: readonly string[], token?: string): Promise<void> {
  const { createProject } = await send<{ createProject: { project: { id: string } } }>(
    'mutation ($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }',
    { name },
    token,
  )
  for (const gateway of gateways) {
    const input = { projectId: createProject.project.id, name: gateway }
    await send('mutation ($input: CreateGatewayInput!) { createGateway(input: $input) { __typename } }', input, token)
  }
}

/** `ACME_LOOMS_VIEWER`: a name for the shell. */
const variableOf = (organization: string, what: string) => `${organization.replaceAll(' ', '_')}_${what}`.toUpperCase()

/** A role's one token is enough to paste. */
const oneOfEachRole = ({ members }: Filled) =>
  members.filter(({ role }, at) => members.findIndex((member) => member.role === role) === at)

const QUERY =
  '{ organization { name } principal { kind role scopes } projects { nodes { name gateways { nodes { name } } } } }'

function describe(filled: readonly Filled[], password: string, address: string): string {
  const everybody = filled.flatMap(({ members }) => members)
  const both = everybody.findLast(({ email }, at) => everybody.findIndex((other) => other.email === email) < at)
  const [first = '', second = ''] = filled.map(({ name }) => name)
  const curl = (...headers: string[]) =>
    [
      `curl -s ${address}/graphql -H 'Content-Type: application/json'`,
      ...headers.map((header) => `-H "${header}"`),
      `-d '${JSON.stringify({ query: QUERY })}'`,
    ].join(' \\\n  ')
  return [
    'Two organizations, in memory: everything is gone when the server stops.',
    '',
    ...filled.flatMap(({ name, id, members }) => [
      `${name}, X-Tenant-Id ${id}`,
      ...members.map(({ email, role }) => `  ${role.padEnd(9)} ${email}`),
      '',
    ]),
    `Everybody's password: ${password}`,
    '',
    '# To paste into a shell. The tokens expire; `login` with the password above gives new ones.',
    ...filled.flatMap((organization) => [
      `${variableOf(organization.name, 'id')}=${organization.id}`,
      ...oneOfEachRole(organization).map(({ role, token }) => `${variableOf(organization.name, role)}=${token}`),
      `${variableOf(organization.name, 'key')}=${organization.apiKey}`,
    ]),
    `IN_BOTH=${both?.token ?? ''}`,
    '',
    `# What ${first} sees; another token sees another organization, or is told what it lacks.`,
    curl(`Authorization: Bearer $${variableOf(first, 'admin')}`),
    '',
    '# A service of the same organization, with its API key.',
    curl(`X-Api-Key: $${variableOf(first, 'key')}`),
    '',
    '# Somebody in both organizations, acting in either with one token.',
    curl('Authorization: Bearer $IN_BOTH', `X-Tenant-Id: $${variableOf(first, 'id')}`),
    curl('Authorization: Bearer $IN_BOTH', `X-Tenant-Id: $${variableOf(second, 'id')}`),
    '',
    '',
  ].join('\n')
}
