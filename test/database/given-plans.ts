import { Client } from 'pg'
import { valuesFor } from '../../src/database/compiled-statement.ts'
import { pagesInOrder } from '../../src/database/postgres.ts'
import { roles } from '../../src/database/roles.ts'
import type { Ran } from './given-compiled.ts'

/** As the server's own connections are, but for the plan cache, which comes to the same after five executions. */
const SESSION = `-c role=${roles.server} ${pagesInOrder} -c plan_cache_mode=force_generic_plan`

/** A node of a plan, as `explain (format json)` shows it. */
export interface Node {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  'Plan Rows': number
  Plans?: Node[]
}

export interface Planned {
  text: string
  role: string | null
  nodes: Node[]
}

export const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]
export const scansOf = ({ nodes }: Planned): Node[] => nodes.filter((node) => node['Relation Name'] !== undefined)

/** A connection that plans as the server's do. */
export async function planningClient(url: string | undefined): Promise<Client> {
  const client = new Client({ ...(url !== undefined && { connectionString: url }), options: SESSION })
  await client.connect()
  return client
}

/** The generic plan of a statement, which is the one that a connection keeps; for its role and its tenant. */
export async function plan(client: Client, { statement, values, reach }: Ran): Promise<Planned> {
  await client.query('begin')
  await client.query(`select set_config('mikro.tenant.organizationId', $1, true)`, [reach.tenant])
  if (reach.role !== null) await client.query(`set local role ${reach.role}`)
  await client.query(`prepare planned as ${statement.text}`)
  const given = valuesFor(statement, values, reach.tenant)
    .map((value) => literal(client, value))
    .join(', ')
  const { rows } = await client.query(`explain (format json) execute planned${given && `(${given})`}`)
  await client.query('deallocate planned')
  await client.query('rollback')
  return { text: statement.text, role: reach.role, nodes: nodesOf(rows[0]['QUERY PLAN'][0].Plan as Node) }
}

/** As the server sends it: a text, of whatever type the statement wants. */
function literal(client: Client, value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (value instanceof Date) return client.escapeLiteral(value.toISOString())
  if (value instanceof Array) return client.escapeLiteral(`{${value.map((each) => `"${String(each)}"`).join()}}`)
  if (typeof value === 'string') return client.escapeLiteral(value)
  throw new Error(`A plan cannot be asked for with a ${typeof value}`)
}
