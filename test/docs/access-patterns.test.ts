import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newApiKeySecret } from '../../src/principal/api-key-secret.ts'
import { change, givenApiKey, REVOKE, ROTATE, UPDATE } from '../api-key/given-api-key.ts'
import { givenPerson, startServer, type TestServer } from '../harness.ts'
import { givenOperator } from '../platform/given-operator.ts'
import { pageOf } from './code-blocks.ts'

interface Row {
  operation: string
  credentials: string[]
  status: number
  code: string | undefined
  reason: string | undefined
}

const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)

/** The rows of the page's table that show a request. */
function rowsOf(page: string): Row[] {
  const section = page.split('\n### Three access patterns, side by side\n')[1]?.split('\n### ')[0] ?? ''
  const cells = [...section.matchAll(/^\| (.+?) +\| (.+?) +\| (\d{3}.*?) +\|$/gm)]
  return cells.map(([, operation = '', credentials = '', answer = '']) => {
    const [code, reason] = quoted(answer)
    return {
      operation: quoted(operation)[0] ?? '',
      credentials: quoted(credentials),
      status: parseInt(answer),
      code,
      reason,
    }
  })
}

const rows = rowsOf(pageOf('README.md'))

let server: TestServer
let values: Record<string, string>

beforeAll(async () => {
  server = await startServer()
  const ada = await givenPerson(server, 'Acme')
  const other = await givenPerson(server, 'Other')
  const ended = await givenPerson(server, null)
  await server.send('mutation { logout { revokedSessions } }', { token: ended.token })
  const key = async (mutation?: string, input = {}) => {
    const { id, secret } = await givenApiKey(server, ada, { scopes: ['read:*'] })
    if (mutation) await change(server, ada, mutation, { id, ...input })
    return secret
  }
  values = {
    OPS: (await givenOperator(server)).token,
    ADA: ada.token,
    ENDED: ended.token,
    ACME: ada.organizationId,
    OTHER: other.organizationId,
    KEY: await key(),
    EXPIRED_KEY: await key(ROTATE, { overlapSeconds: 0 }),
    INACTIVE_KEY: await key(UPDATE, { isActive: false }),
    REVOKED_KEY: await key(REVOKE),
    UNKNOWN_KEY: newApiKeySecret('test'),
    KEY_OF_OTHER: (await givenApiKey(server, other)).secret,
  }
  const demanded = await server.send(
    'mutation { updateOrganization(input: { requiresTenantApiKey: true }) { organization { id } } }',
    { token: ada.token },
  )
  expect(demanded.errors).toEqual([])
})
afterAll(() => server?.close())

const filled = (text: string) => text.replace(/\$([A-Z_]+)/g, (_, name: string) => values[name] ?? `no ${name}`)

test('the table shows all three patterns, with what each refuses', () => {
  expect(rows.filter(({ status }) => status === 200)).toHaveLength(5)
  expect(rows.filter(({ status }) => status !== 200)).toHaveLength(23)
})

test.each(
  rows.map((row, at) => [`${at + 1}: ${row.operation} as ${row.credentials.join(', ') || 'nobody'}`, row] as const),
)('row %s', async (_, { operation, credentials, status, code, reason }) => {
  const headers = Object.fromEntries(credentials.map((header) => filled(header).split(': ') as [string, string]))
  const answer = await server.send(filled(operation), { headers })
  const [error] = answer.errors
  expect([answer.status, error?.extensions.code, error?.extensions.reason]).toEqual([status, code, reason])
})
