import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { run, runServer, startServerProcess, type Running } from '../given-process.ts'
import { sendTo } from '../harness.ts'

interface Answer {
  errors?: unknown
  data: {
    organization: { name: string }
    principal: { kind: string; role: string | null }
    projects: { nodes: { name: string; gateways: unknown }[] }
  }
}

let directory = ''
let demo: Running
let printed = ''

/** The value of a shell variable that the demo has printed. */
const variable = (name: string) => new RegExp(`^${name}=(\\S+)$`, 'm').exec(printed)?.[1] ?? ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-demo-test-'))
  // A database that is configured is not touched.
  const env = { PORT: '0', TMPDIR: directory, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere' }
  demo = await startServerProcess(['--demo'], { env, cwd: directory })
  while (!demo.stdout().includes('$BOREALIS_POWER_ID')) await new Promise((resolve) => setTimeout(resolve, 20))
  // Its log goes to the same place.
  printed = demo.stdout().replaceAll(/^\{.*\n/gm, '')
}, 180_000)
afterAll(async () => {
  expect(await demo.stop()).toMatchObject({ code: 0, stderr: '' })
  // In memory, and so are its keys: nothing stays.
  expect(await readdir(directory)).toEqual([])
  await rm(directory, { recursive: true, force: true })
})

test('the commands that are printed work as they are pasted', async () => {
  const commands = printed.slice(printed.indexOf('# To paste'))
  const { code, stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', commands])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
  expect(answers.map(({ errors }) => errors)).toEqual(Array(4).fill(undefined))
  expect(
    answers.map(({ data }) => [
      data.organization.name,
      data.principal.kind,
      data.principal.role,
      data.projects.nodes.length,
    ]),
  ).toEqual([
    ['Acme Looms', 'USER', 'ADMIN', 2],
    ['Acme Looms', 'API_KEY', null, 2],
    ['Acme Looms', 'USER', 'DEVELOPER', 2],
    ['Borealis Power', 'USER', 'VIEWER', 2],
  ])
  expect(answers[0]?.data.projects.nodes[0]).toEqual({
    name: 'Jacquard',
    gateways: { nodes: [{ name: 'Leeds' }, { name: 'Lyon' }] },
  })
})

test.each([
  ['ACME_LOOMS', 'Acme Looms'],
  ['BOREALIS_POWER', 'Borealis Power'],
])('%s has a member of each role, and each token acts in its organization', async (prefix, name) => {
  for (const role of ['ADMIN', 'DEVELOPER', 'VIEWER']) {
    const token = variable(`${prefix}_${role}`)
    const answer = await sendTo(demo.url, '{ organization { id name } principal { role } }', { token })
    expect(answer.errors).toEqual([])
    expect(answer.data).toEqual({ organization: { id: variable(`${prefix}_ID`), name }, principal: { role } })
  }
})

test('everybody can sign in with the password that is printed', async () => {
  const password = /^Everybody's password: (\S+)$/m.exec(printed)?.[1]
  const emails = [...new Set(printed.match(/\S+@\S+\.example\b/g))]
  expect(emails).toHaveLength(7)
  const login = 'mutation ($input: LoginInput!) { login(input: $input) { organization { name } } }'
  for (const email of emails) {
    const answer = await sendTo(demo.url, login, { variables: { input: { email, password } } })
    expect(answer.errors).toEqual([])
  }
})

test('there is no demo in production', async () => {
  const secret = 'kq3Yz0pXv8sLw1Rt6Ub9Nc4Ed7Fg2Hj5aMiOeQxS'
  const env = {
    NODE_ENV: 'production',
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere',
    JWT_SECRET: secret,
    PASSWORD_PEPPER: `${secret}-p`,
    API_KEY_HASH_KEY: `${secret}-k`,
  }
  const { code, stdout, stderr } = await runServer(['--demo'], { env })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('production')
})
