import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { openDatabase } from '../../src/database/database.ts'
import { lockDirectory } from '../../src/database/directory-lock.ts'
import { createLogger } from '../../src/http/log.ts'
import { allEntities, databaseConfig } from './given-database.ts'

const lockFile = new URL('../../src/database/directory-lock.ts', import.meta.url).href
let directory = ''
let children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tenantry-lock-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Another process that tries to take the directory. @returns what it says: `taken`, or the error. */
async function otherProcess(): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    import { lockDirectory } from '${lockFile}'
    try { lockDirectory(process.argv[1]); console.log('taken'); setInterval(() => {}, 1000) }
    catch (error) { console.log(error.message) }`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, '--', directory])
  children.push(child)
  const said = await new Promise<string>((done) =>
    child.stdout.once('data', (data: Buffer) => done(data.toString().trim())),
  )
  return { child, said }
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
}

test('a second process is refused, and told which one has the directory and what to do', async () => {
  const { child, said } = await otherProcess()
  expect(said).toBe('taken')
  expect(() => lockDirectory(directory)).toThrow(`Another process (${child.pid ?? ''}) is using ${directory}`)
  expect(() => lockDirectory(directory)).toThrow(/DATA_DIR.*DATABASE_URL/)
})

test('the lock of a killed process is taken over', async () => {
  const { child } = await otherProcess()
  await killed(child)
  const unlock = lockDirectory(directory)
  expect(readFileSync(join(directory, 'server.pid'), 'utf8')).toBe(String(process.pid))
  expect((await otherProcess()).said).toContain(`Another process (${process.pid})`)
  unlock()
  expect(readdirSync(directory)).toEqual([])
})

test('of several processes that find a stale lock at once, one gets the directory', async () => {
  const { child } = await otherProcess()
  await killed(child)
  const said = await Promise.all(Array.from({ length: 6 }, async () => (await otherProcess()).said))
  expect(said.filter((text) => text === 'taken')).toHaveLength(1)
  expect(said.filter((text) => text.includes('is using'))).toHaveLength(5)
})

test('a process cannot take a directory twice, and can again when it has given it back', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(`Another process (${process.pid})`)
  unlock()
  lockDirectory(directory)()
})

test.each([String(process.pid), '', 'not a number', '-1', '0'])(
  'a lock left behind that says "%s" is taken over: in a container the number is the same each time',
  (content) => {
    writeFileSync(join(directory, 'server.pid'), content)
    lockDirectory(directory)()
  },
)

test('giving a lock back twice does not take it from who has it next', () => {
  const first = lockDirectory(directory)
  first()
  const second = lockDirectory(directory)
  first()
  expect(() => lockDirectory(directory)).toThrow('Another process')
  second()
})

test('an embedded database keeps its rows, and has its directory to itself while it is open', async () => {
  const config = databaseConfig(undefined, { DATA_DIR: directory })
  const [entities, log] = [await allEntities(), createLogger('silent')]
  const database = await openDatabase(config, entities, log)
  await expect(openDatabase(config, entities, log)).rejects.toThrow('is using')
  await database.close()
  const again = await openDatabase(config, entities, log)
  expect(await again.orm.em.getConnection().execute('select current_user::text as role')).toEqual([
    { role: 'tenantry_server' },
  ])
  await again.close()
})
