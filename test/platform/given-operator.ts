import { randomUUID } from 'node:crypto'
import { expect, jest } from '@jest/globals'
import { createContext } from '../../src/context.ts'
import { createOperator } from '../../src/modules/platform/new-operator.ts'
import { PASSWORD, type Answer, type TestServer } from '../harness.ts'

/** A signed-in operator, who is a member of no organization. */
export interface Operator {
  email: string
  userId: string
  token: string
  refreshToken: string
}

/** Signs in with the password that everybody has in the tests. */
export async function signIn(
  server: Pick<TestServer, 'send'>,
  email: string,
  organizationId?: string,
): Promise<Answer> {
  return server.send(
    `mutation ($input: LoginInput!) {
      login(input: $input) { accessToken refreshToken user { id } organization { id } }
    }`,
    { variables: { input: { email, password: PASSWORD, organizationId } } },
  )
}

/** Somebody whom the command line has made an operator, signed in. */
export async function givenOperator(server: TestServer): Promise<Operator> {
  const email = `operator-${randomUUID().slice(0, 8)}@example.test`
  const facts = { requestId: randomUUID(), headers: {}, ipAddress: '127.0.0.1', userAgent: null }
  const ctx = createContext(server.app.services, facts, null)
  await createOperator(ctx, { email, password: PASSWORD, firstName: 'Olive', lastName: null })
  await ctx.rows.close()
  const answer = await signIn(server, email)
  expect(answer.errors).toEqual([])
  const { accessToken, refreshToken, user } = answer.data.login
  return { email, userId: user.id, token: accessToken, refreshToken }
}

/** What the operator mutations are called with in the tests. */
export const operations = {
  activate: 'mutation ($id: ID!) { activateUser(input: { id: $id }) { user { id isActive } } }',
  deactivate: 'mutation ($id: ID!) { deactivateUser(input: { id: $id }) { user { id isActive } } }',
  suspend: `mutation ($id: ID!, $reason: String) {
    suspendOrganization(input: { id: $id, reason: $reason }) { organization { id suspendedAt } }
  }`,
  reinstate: 'mutation ($id: ID!) { reinstateOrganization(input: { id: $id }) { organization { id suspendedAt } } }',
  grant: 'mutation ($id: ID!) { setOperator(input: { userId: $id, isOperator: true }) { user { id isOperator } } }',
  revoke: 'mutation ($id: ID!) { setOperator(input: { userId: $id, isOperator: false }) { user { id isOperator } } }',
} as const

/** Does something as an operator. */
export function operate(
  server: Pick<TestServer, 'send'>,
  operator: { token: string },
  operation: keyof typeof operations,
  id: string,
  variables: Record<string, unknown> = {},
): Promise<Answer> {
  return server.send(operations[operation], { token: operator.token, variables: { id, ...variables } })
}

/** The newest audit events that an operator sees, without those of reading them. */
export async function eventsOf(
  server: Pick<TestServer, 'send'>,
  operator: { token: string },
  filter: Record<string, unknown> = {},
): Promise<Record<string, unknown>[]> {
  const answer = await server.send(
    `query ($filter: AuditEventFilter) {
      platform {
        auditEvents(first: 100, filter: $filter) {
          nodes { action succeeded actorKind actorId targetType targetId organization { id } }
        }
      }
    }`,
    { token: operator.token, variables: { filter } },
  )
  expect(answer.errors).toEqual([])
  return answer.data.platform.auditEvents.nodes
}

/** Asks again until the answer is as expected, for a second at most: what is in force "at once" on another instance. */
export async function withinASecond(ask: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 1_000
  while (!(await ask())) {
    if (Date.now() > end) throw new Error('Not in force after a second')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** How many SQL statements the server sends to the database while something is done. */
export async function countStatements(server: TestServer, work: () => Promise<Answer>): Promise<number> {
  const logger = server.app.services.database.orm.config.getLogger()
  const counted = jest.spyOn(logger, 'logQuery')
  const answer = await work()
  const { length } = counted.mock.calls
  counted.mockRestore()
  expect(answer.errors).toEqual([])
  expect(length).toBeGreaterThan(0)
  return length
}
