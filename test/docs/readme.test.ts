import { mkdtemp, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { settingDefaults } from '../../src/config.ts'
import { httpStatusOf } from '../../src/errors.ts'
import { root, run, startServerProcess, type Running } from '../given-process.ts'
import { createDatabase, POSTGRES_URL } from '../harness.ts'
import { commandsIn, pageOf } from './code-blocks.ts'

const readme = pageOf('README.md')
const manifest = JSON.parse(pageOf('package.json')) as { scripts: Record<string, string> }

let directory = ''
let database: { url: string; drop: () => Promise<void> } | null = null
let server: Running

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-readme-'))
  database = POSTGRES_URL ? await createDatabase() : null
  server = await startServerProcess([], { env: { DATA_DIR: directory, PORT: '0', DATABASE_URL: database?.url } })
})
afterAll(async () => {
  await server.stop()
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

test('the first session works as it is pasted, twice, and answers what the page says', async () => {
  const section = readme.split('\n## A first session\n')[1]?.split('\n## ')[0] ?? ''
  const [session = ''] = commandsIn(section)
  const expected = /^```json\n([\s\S]*?)^```$/m.exec(section)?.[1]
  const commands = session.replaceAll('http://127.0.0.1:4000', server.url)
  for (let time = 1; time <= 2; time += 1) {
    const { code, stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', commands])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expected, stderr: '' })
  }
})

test('the address that the page names is the one that the server listens on by default', () => {
  expect(new Set(readme.match(/http:\/\/127\.0\.0\.1:\d+/g))).toEqual(
    new Set([`http://127.0.0.1:${settingDefaults.PORT ?? ''}`]),
  )
})

test('the table of settings has every setting, in order, with its default', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z][A-Z0-9_]+)` +\| +(?:`([^`]*)`)? *\|/gm)]
  const settings = rows.filter(([, name = '']) => !(name in httpStatusOf))
  expect(settings.map(([, name, byDefault = '']) => [name, byDefault])).toEqual(Object.entries(settingDefaults))
})

test('.env.example has every setting, commented out, with its default and a word about it', () => {
  const blocks = pageOf('.env.example').split('\n\n')
  const settings = blocks.flatMap((block) => [...block.matchAll(/^# ([A-Z][A-Z0-9_]*)=(.*)$/gm)])
  expect(Object.fromEntries(settings.map(([, name = '', value]) => [name, value]))).toEqual(settingDefaults)
  const unexplained = blocks.filter((block) => /^# [A-Z][A-Z0-9_]*=/.test(block))
  expect(unexplained).toEqual([])
  expect(pageOf('.env.example').match(/^[^#\n].*$/gm)).toBeNull()
})

test('every code of an error is told, with its status', () => {
  const rows = readme.match(/^\| (`[A-Z_]+`(, )?)+ +\|.*\|$/gm) ?? []
  for (const [code, status] of Object.entries(httpStatusOf)) {
    const row = rows.find((line) => line.includes(`\`${code}\``))
    expect([code, row?.split('|').at(-2)]).toEqual([code, expect.stringContaining(String(status))])
  }
})

test('the two commands stand as they are, and every npm script that is named is there', () => {
  expect(readme).toContain('```sh\nnpm ci && npm start\n```')
  expect(readme).toContain('```sh\nnpm ci && npm test\n```')
  const named = [...readme.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => name)
  expect(named.filter((name) => !(name in manifest.scripts))).toEqual([])
})

test('every file and folder that is named is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path = '']) => path)
  const quoted = [...readme.matchAll(/`((?:src|schema|test|docs)\/[\w./-]+)`/g)].map(([, path = '']) => path)
  expect([...links, ...quoted].filter((path) => !existsSync(`${root}${path}`))).toEqual([])
})
