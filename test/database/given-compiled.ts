import { expect } from '@jest/globals'
import type { CompiledStatement, Value } from '../../src/database/compiled-statement.ts'
import type { Database } from '../../src/database/database.ts'
import type { Fields } from '../../src/database/flight.ts'
import type { Reach } from '../../src/database/reading.ts'
import type { TestServer } from '../harness.ts'

/** A compiled statement as the server has run it: with these values, in a transaction with this reach. */
export interface Ran {
  statement: CompiledStatement
  values: readonly Value[]
  reach: Reach
  rows: readonly Fields[]
}

/** How much a statement has told: rows, or what it has counted. */
export const weightOf = (rows: readonly Fields[]): number =>
  rows.reduce((sum, row) => sum + ('total' in row ? Number(row.total) : 1), 0)

/** Records every compiled statement that a database runs from now on, by name: the run of each that told most. */
export function recordReads(database: Database): Map<string, Ran> {
  const ran = new Map<string, Ran>()
  const read = database.read.bind(database)
  const recording: Database['read'] = async (form) => {
    const reading = await read(form)
    return {
      ...reading,
      async rowsOf(statement, values, isLast) {
        const rows = await reading.rowsOf(statement, values, isLast)
        const before = ran.get(statement.name)
        if (!before || weightOf(before.rows) < weightOf(rows)) {
          ran.set(statement.name, { statement, values, reach: form.reach, rows })
        }
        return rows
      },
    }
  }
  Object.assign(database, { read: recording })
  return ran
}

/** Who asks, and what there is to ask for. */
export interface Asking {
  admin: { token: string; organizationId: string; userId: string }
  operator: { token: string }
  projectId: string
  gatewayId: string
  apiKeyId: string
}

interface List {
  field: string
  filters?: readonly string[]
  orders?: readonly string[]
  /** The field in an operation, and its connection in the answer. */
  within?: (field: string) => string
  of?: (data: any) => any
  asOperator?: boolean
}

const ORDERS = [
  '',
  ...['CREATED_AT', 'NAME'].flatMap((field) => [`${field}, direction: ASC`, `${field}, direction: DESC`]),
]
const SINCE = 'since: "2000-01-01T00:00:00Z"'
const UNTIL = 'until: "2999-01-01T00:00:00Z"'

/** Every list of the API, with every filter and order that it takes. */
function listsOf({ admin, projectId }: Asking): List[] {
  const action = 'action: "project.created"'
  const actor = `actorId: "${admin.userId}"`
  const events = ['', action, actor, SINCE, UNTIL, `${SINCE}, ${UNTIL}`, `${action}, ${actor}`]
  const filters = [...events, `${action}, ${actor}, ${SINCE}, ${UNTIL}`]
  const [name, project] = ['nameContains: "pro"', `projectId: "${projectId}"`]
  const inPlatform = {
    within: (field: string) => `{ platform { ${field} } }`,
    of: (data: any) => data.platform.it,
    asOperator: true,
  }
  return [
    { field: 'projects', orders: ORDERS, filters: ['', name] },
    { field: 'gateways', orders: ORDERS, filters: ['', name, project, `${project}, ${name}`] },
    {
      field: 'gateways',
      within: (field) => `{ project(id: "${projectId}") { ${field} } }`,
      of: (data) => data.project.it,
    },
    { field: 'members', within: (field) => `{ organization { ${field} } }`, of: (data) => data.organization.it },
    { field: 'apiKeys' },
    { field: 'issuers' },
    { field: 'auditEvents', filters },
    { field: 'organizations', ...inPlatform },
    { field: 'users', ...inPlatform },
    { field: 'auditEvents', filters, ...inPlatform },
    {
      field: `auditEvents(organizationId: "${admin.organizationId}")`,
      filters,
      ...inPlatform,
    },
  ]
}

/** `field(more: …)` with further arguments. */
const withArguments = (field: string, given: readonly string[]): string => {
  const all = given.filter((argument) => argument !== '').join(', ')
  return field.endsWith(')') ? `${field.slice(0, -1)}, ${all})` : `${field}(${all})`
}

/** Asks for a list from both ends, and with each, both and neither of its sides bounded. */
async function askEveryPage(send: Send, list: List, chosen: readonly string[]): Promise<void> {
  const { field, within = (selection) => `{ ${selection} }`, of = (data) => data.it } = list
  const ask = async (page: readonly string[], selection: string) =>
    of(await send(within(`it: ${withArguments(field, [...page, ...chosen])} ${selection}`), list.asOperator))
  const { edges } = await ask(['first: 100'], '{ totalCount edges { cursor node { id } } }')
  const after = `after: "${edges.at(0).cursor}"`
  const before = `before: "${edges.at(-1).cursor}"`
  for (const size of ['first: 50', 'last: 50']) {
    for (const sides of [[], [after], [before], [after, before]]) await ask([size, ...sides], '{ nodes { id } }')
  }
}

type Send = (query: string, asOperator?: boolean) => Promise<any>

/** Asks, over HTTP, for everything that is read by compiled statements, so that each of these has been compiled and run. */
export async function askForEverything(server: Pick<TestServer, 'send'>, asking: Asking): Promise<void> {
  const send: Send = async (query, asOperator = false) => {
    const { token } = asOperator ? asking.operator : asking.admin
    const answer = await server.send(query, { token })
    expect({ query, errors: answer.errors }).toEqual({ query, errors: [] })
    return answer.data
  }
  for (const list of listsOf(asking)) {
    for (const filter of list.filters ?? ['']) {
      for (const order of list.orders ?? ['']) {
        const chosen = [filter && `filter: { ${filter} }`, order && `orderBy: { field: ${order} }`]
        await askEveryPage(send, list, chosen)
      }
    }
  }
  const { admin, projectId, gatewayId, apiKeyId } = asking
  await send(`{
    me { email memberships { organization { name } } }
    organization { name members(first: 3) { nodes { user { email } organization { name } } } }
    project(id: "${projectId}") { gateways(first: 2) { totalCount } }
    gateway(id: "${gatewayId}") { project { name } }
    apiKey(id: "${apiKeyId}") { createdBy { email } rotatedTo { name } }
    issuers { nodes { createdBy { email } } }
  }`)
  const anyone = `organization(id: "${admin.organizationId}") { name } user(id: "${admin.userId}") { email }`
  await send(`{ platform { ${anyone} auditEvents(first: 3) { nodes { organization { name } } } } }`, true)
}
