import { expect, jest, test } from '@jest/globals'
import { graphqlSync } from 'graphql'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeAccess } from '../../src/access/describe.ts'
import { accessMatrix } from '../../src/access/matrix.ts'
import { loadScopeDeclarations, runMatrix } from '../../src/access/print-matrix.ts'
import { readSdl } from '../../src/schema.ts'
import { policyOf } from './fixture.ts'

const sdl = `
  type Query {
    open(secret: Int @role(atLeast: ADMIN)): String @public
    "Who is asking."
    me: Me @auth(kinds: [USER, API_KEY])
    search(filter: Filter): Node @scope(requires: ["read:projects"], anyOf: ["write:projects", "write:gateways"])
  }
  type Mutation { act: String @auth }
  interface Node { id: ID @scope(requires: "read:secrets") }
  type Me implements Node { id: ID  name: String }
  input Filter { name: String  owner: String @auth }
`

test('each description says what is required', () => {
  const policy = policyOf(sdl)
  describeAccess(policy.schema, policy)
  const schema = describeAccess(policy.schema, policy)
  const of = (name: string) => {
    const source = `{ __type(name: "${name}") { fields { name description args { description } } inputFields { description } } }`
    return JSON.parse(JSON.stringify(graphqlSync({ schema, source }).data?.__type)) as {
      fields: { description: string }[]
      inputFields: unknown[]
    }
  }
  expect(of('Query').fields).toEqual([
    {
      name: 'open',
      description: 'Requires: nothing, not even a credential',
      args: [{ description: 'Requires: role `ADMIN` or higher' }],
    },
    { name: 'me', description: 'Who is asking.\n\nRequires: kind `API_KEY` or `USER`', args: [] },
    {
      name: 'search',
      description: 'Requires: `read:projects`, `write:gateways` or `write:projects`',
      args: [{ description: null }],
    },
  ])
  expect(of('Mutation').fields[0]?.description).toBe('Requires: any credential')
  expect(of('Me').fields).toEqual([
    { name: 'id', description: 'Requires: `read:secrets`', args: [] },
    { name: 'name', description: null, args: [] },
  ])
  expect(of('Filter').inputFields).toEqual([{ description: null }, { description: 'Requires: any credential' }])
})

test('the matrix has every coordinate, with a verdict for each caller', () => {
  const { schema, ...policy } = policyOf(sdl)
  const lines = accessMatrix(schema, { schema, ...policy }).split('\n')
  const rows = lines.filter((line) => line.startsWith('| `'))
  expect(rows).toEqual([
    '| `Query.me` | kind `API_KEY` or `USER` |  | yes | yes | yes | yes | yes | yes | yes |  |',
    '| `Query.open` | nothing, not even a credential | yes | yes | yes | yes | yes | yes | yes | yes | yes |',
    '| `Query.open(secret:)` | role `ADMIN` or higher |  |  |  |  | yes |  |  |  |  |',
    '| `Query.search` | `read:projects`, `write:gateways` or `write:projects` |  |  |  | yes | yes |  |  | yes |  |',
    '| `Mutation.act` | any credential |  | yes | yes | yes | yes | yes | yes | yes | yes |',
    '| `Filter.owner` | any credential |  | yes | yes | yes | yes | yes | yes | yes | yes |',
    '| `Me.id` | `read:secrets` |  |  | yes | yes | yes |  | yes | yes | yes |',
    '| `Me.name` | nothing, not even a credential | yes | yes | yes | yes | yes | yes | yes | yes | yes |',
    '| `Node.id` | `read:secrets` |  |  | yes | yes | yes |  | yes | yes | yes |',
  ])
  expect(lines.filter((line) => line.startsWith('##'))).toEqual([
    '## Query',
    '## Mutation',
    '## Filter',
    '## Me',
    '## Node',
  ])
})

test('the matrix is written, and a stale one is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'matrix-'))
  const file = join(folder, 'access.md')
  try {
    const schema = readSdl()
    const scopes = await loadScopeDeclarations()
    const complain = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
    expect(runMatrix(['--check'], schema, scopes, file)).toBe(1)
    expect(complain.mock.calls.join('')).toContain('is stale')
    expect(runMatrix(['--write'], schema, scopes, file)).toBe(0)
    expect(runMatrix(['--check'], schema, scopes, file)).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('| `ApiKey.id` | role `ADMIN` or higher |')
    writeFileSync(file, 'old')
    expect(runMatrix(['--check'], schema, scopes, file)).toBe(1)
    const print = jest.spyOn(process.stdout, 'write').mockReturnValue(true)
    expect(runMatrix([], schema, scopes, file)).toBe(0)
    expect(print.mock.calls.join('')).toContain('# Access matrix')
    expect(readFileSync(file, 'utf8')).toBe('old')
  } finally {
    jest.restoreAllMocks()
    rmSync(folder, { recursive: true })
  }
})
