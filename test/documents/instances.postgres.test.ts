import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Client } from 'pg'
import { MOST_DOCUMENTS } from '../../src/documents/trusted-document-table.ts'
import { run } from '../given-process.ts'
import { startServer, type TestServer } from '../harness.ts'
import { withoutChannel } from '../principal/given-channel.ts'
import { expectRefused, hashOf, persistedQuery, post } from './given-documents.ts'

const settings = { TRUSTED_DOCUMENTS: 'require' }

let here: TestServer
let there: TestServer

beforeAll(async () => {
  here = await startServer({ settings })
  there = await startServer({ settings, databaseUrl: here.databaseUrl })
})
afterAll(async () => {
  await there?.close()
  await here?.close()
})

const documents = (args: string[], env: Record<string, string> = {}) =>
  run(process.execPath, ['src/documents-command.ts', ...args], { env: { DATABASE_URL: here.databaseUrl, ...env } })

async function givenFile(): Promise<{ body: string; path: string; request: object }> {
  const body = `query Q${randomUUID().replaceAll('-', '')} { __typename }`
  const path = join(tmpdir(), `${randomUUID()}.graphql`)
  await writeFile(path, body)
  return { body, path, request: { extensions: persistedQuery(hashOf(body)) } }
}

/** Both instances answer so within a second. */
async function becomes(request: object, isServed: boolean): Promise<void> {
  const start = performance.now()
  for (const { url } of [here, there]) {
    while ((await post(url, request)).errors.length > 0 === isServed)
      expect(performance.now() - start).toBeLessThan(1_000)
  }
}

test('an import is in force on every running instance, and so is a removal', async () => {
  const { body, path, request } = await givenFile()
  expectRefused(await post(here.url, request))
  expect((await documents(['import', path])).code).toBe(0)
  await becomes(request, true)
  expect((await documents(['remove', hashOf(body)])).code).toBe(0)
  await becomes(request, false)
  expectRefused(await post(there.url, request))
})

test('with the channel cut, so it is all the same', async () => {
  const { body, path, request } = await givenFile()
  await withoutChannel(here.databaseUrl ?? '', async () => {
    await documents(['import', path])
    await becomes(request, true)
    await documents(['remove', hashOf(body)])
    await becomes(request, false)
  })
})

test('a login that serves can import nothing', async () => {
  const { path, request } = await givenFile()
  const login = `app_${randomUUID().slice(0, 8)}`
  const serving = new URL(here.databaseUrl ?? '')
  serving.username = login
  const owner = new Client({ connectionString: here.databaseUrl })
  await owner.connect()
  try {
    await owner.query(`create role ${login} login noinherit; grant tenantry_server to ${login}`)
    const { code, stderr } = await documents(['import', path], {
      DATABASE_URL: serving.href,
      MIGRATE_ON_START: 'false',
    })
    expect(code).toBe(1)
    expect(stderr).toContain('permission denied')
    expectRefused(await post(here.url, request))
  } finally {
    await owner.query(`drop owned by ${login}; drop role ${login}`)
    await owner.end()
  }
})

test('no more are imported than an instance holds', async () => {
  const { path, request } = await givenFile()
  const owner = new Client({ connectionString: here.databaseUrl })
  await owner.connect()
  const planted = `select encode(sha256(n::text::bytea), 'hex'), n::text, '' from generate_series(1, ${MOST_DOCUMENTS}) n`
  await owner.query(`insert into trusted_documents (hash, body, name) ${planted}`)
  const { code, stderr } = await documents(['import', path])
  await owner.query('delete from trusted_documents')
  await owner.end()
  expect(code).toBe(1)
  expect(stderr).toContain(`There would be ${MOST_DOCUMENTS + 1} documents`)
  expectRefused(await post(here.url, request))
})
