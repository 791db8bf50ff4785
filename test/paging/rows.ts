import { inTransaction, type Door } from '../../src/database/tenancy.ts'
import type { TestServer } from '../harness.ts'

/** Runs SQL as the server itself can, within one organization: under its role and its row-level security. */
export function sql<Row = Record<string, unknown>>(
  server: TestServer,
  organizationId: string | null,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  const door: Door = organizationId === null ? 'authentication' : 'tenant'
  return inTransaction(server.app.services.database, { door, organizationId, readOnly: false }, (em) =>
    em.execute<Row[]>(statement, [...parameters]),
  )
}

/** The SQL statements that read or write rows while `work` runs. */
export async function statementsOf<T>(server: TestServer, work: () => Promise<T>): Promise<[string[], T]> {
  const logger = server.app.services.database.orm.config.getLogger()
  const original = logger.logQuery.bind(logger)
  const statements: string[] = []
  logger.logQuery = (context) => {
    const query = context.query ?? ''
    if (/^\s*(select|insert|update|delete|with)\b/i.test(query) && !query.includes('set_config')) statements.push(query)
    original(context)
  }
  try {
    return [statements, await work()]
  } finally {
    logger.logQuery = original
  }
}

/** `count` projects with these names, in one organization, all created at the same time unless told otherwise. */
export async function insertProjects(
  server: TestServer,
  organizationId: string,
  projects: readonly { id: string; name: string; createdAt?: Date }[],
): Promise<void> {
  for (let start = 0; start < projects.length; start += 100) {
    const some = projects.slice(start, start + 100)
    await sql(
      server,
      organizationId,
      `insert into projects (id, organization_id, name, created_at) values ${some.map(() => '(?, ?, ?, ?)').join(', ')}`,
      some.flatMap(({ id, name, createdAt }) => [id, organizationId, name, createdAt ?? new Date()]),
    )
  }
}

/** Gateways of one project, as above. */
export async function insertGateways(
  server: TestServer,
  organizationId: string,
  projectId: string,
  gateways: readonly { id: string; name: string }[],
): Promise<void> {
  if (gateways.length === 0) return
  await sql(
    server,
    organizationId,
    `insert into gateways (id, organization_id, project_id, name) values ${gateways.map(() => '(?, ?, ?, ?)').join(', ')}`,
    gateways.flatMap(({ id, name }) => [id, organizationId, projectId, name]),
  )
}
