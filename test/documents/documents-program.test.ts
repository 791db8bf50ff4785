import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { run } from '../given-process.ts'
import { createDatabase, POSTGRES_URL, startServer } from '../harness.ts'
import { expectRefused, hashOf, persistedQuery, post } from './given-documents.ts'

const FIRST = 'query First { __typename }'
const SECOND = 'query Second { me { email } }'
const THIRD = 'mutation Third($id: ID!) { deleteProject(input: { id: $id }) { __typename } }\n'

let directory: string
let database: { url: string; drop: () => Promise<void> } | null = null

/** What the program and the server after it have in common: the embedded database serves one at a time. */
const settings = () => ({
  DATA_DIR: directory,
  TRUSTED_DOCUMENTS: 'require',
  ...(database && { DATABASE_URL: database.url }),
})
const documents = (...args: string[]) =>
  run(process.execPath, ['src/documents-command.ts', ...args], { env: settings() })
const listed = async () => {
  const { stdout } = await documents('list')
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { hash: string; name: string; createdAt: string })
}
async function file(name: string, content: unknown): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-documents-'))
  database = POSTGRES_URL ? await createDatabase() : null
})
afterAll(async () => {
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

test('of files with mistakes nothing is imported, and all mistakes are told', async () => {
  const good = await file('good.graphql', FIRST)
  const manifest = await file('persisted-documents.json', { [hashOf(FIRST)]: SECOND })
  const bad = await file('bad.graphql', '{ nope }')
  const { code, stdout, stderr } = await documents('import', good, manifest, bad)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain(`${hashOf(FIRST)}: the id is not the SHA-256 of the document`)
  expect(stderr).toContain('bad.graphql: Cannot query field "nope" on type "Query".')
  expect(await listed()).toEqual([])
})

test('all formats are imported, once each, listed, and served', async () => {
  const operations = [{ id: hashOf(FIRST), name: 'First', type: 'query', body: FIRST }]
  const apollo = await file('apollo.json', { format: 'apollo-persisted-query-manifest', version: 1, operations })
  const relay = await file('relay.json', { [hashOf(SECOND)]: SECOND, [hashOf(FIRST)]: FIRST })
  const graphql = await file('third.graphql', THIRD)
  const first = await documents('import', apollo, relay, graphql)
  expect(first).toEqual({
    code: 0,
    stdout: [FIRST, SECOND, THIRD].map((body) => `${hashOf(body)}\n`).join(''),
    stderr: '3 new, 0 trusted already\n',
  })
  expect((await documents('import', apollo)).stderr).toBe('0 new, 1 trusted already\n')
  expect(await listed()).toEqual(
    [FIRST, SECOND, THIRD].map((body, n) => ({
      hash: hashOf(body),
      name: ['First', 'Second', 'Third'][n],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })),
  )
  const server = await startServer({ settings: settings(), databaseUrl: database?.url })
  const answer = await post(server.url, { extensions: persistedQuery(hashOf(FIRST)) })
  await server.close()
  expect(answer.data).toEqual({ __typename: 'Query' })
})

test('of hashes one of which is unknown nothing is removed', async () => {
  const { code, stderr } = await documents('remove', hashOf(FIRST), 'f'.repeat(64))
  expect({ code, stderr }).toEqual({ code: 1, stderr: `There is no document ${'f'.repeat(64)}\n` })
  expect(await listed()).toHaveLength(3)
  expect((await documents('remove', 'no hash')).code).toBe(1)
})

test('what is removed is not served', async () => {
  expect(await documents('remove', hashOf(FIRST))).toEqual({ code: 0, stdout: '', stderr: '1 removed\n' })
  const server = await startServer({ settings: settings(), databaseUrl: database?.url })
  const answer = await post(server.url, { query: FIRST })
  await server.close()
  expectRefused(answer)
})

test.each([[['import']], [['destroy', 'all']]])('called with %j it says how it is used', async (args) => {
  const { code, stdout, stderr } = await documents(...args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('npm run --silent documents -- import <file…>')
})
