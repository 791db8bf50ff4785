import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { root } from './source-files.ts'

/** A small tree: what each file imports, which is what the rules are about. */
const imports: Record<string, readonly string[]> = {
  'src/app.ts': ["from 'fastify'", "from './modules/project/project.resolvers.ts'"],
  'src/errors.ts': ["from 'jest'", "from '../test/a.ts'", "from './missing.ts'"],
  'src/access/rules.ts': ["from 'graphql'"],
  'src/access/guard.ts': ["from 'graphql'", "from '../database/tenancy.ts'"],
  'src/database/entities.ts': ["from '../modules/project/project.entity.ts'"],
  'src/database/tenancy.ts': ["from '@mikro-orm/postgresql'", "from './entities.ts'"],
  'src/database/roles.ts': ["from '../modules/project/project.entity.ts'"],
  'src/generated/resolvers.ts': [],
  'src/modules/project/project.entity.ts': ["from '@mikro-orm/core'"],
  'src/modules/project/project.service.ts': [
    "from '../../database/tenancy.ts'",
    "from '../gateway/gateway.service.ts'",
  ],
  'src/modules/project/project.resolvers.ts': ["from './project.service.ts'", "type from './project.entity.ts'"],
  'src/modules/project/project.module.ts': ["from './project.resolvers.ts'", "from '../user/user.resolvers.ts'"],
  'src/modules/gateway/gateway.entity.ts': ["from '../../database/roles.ts'", "type from './gateway.service.ts'"],
  'src/modules/gateway/gateway.service.ts': ["from './gateway.entity.ts'", "from '../project/project.resolvers.ts'"],
  'src/modules/gateway/gateway.resolvers.ts': ["from './gateway.entity.ts'", "from '../../database/tenancy.ts'"],
  'src/modules/user/user.service.ts': [
    ...["from 'fastify'", "from 'pg'", "from 'prom-client'"],
    "from '../../generated/resolvers.ts'",
  ],
  'src/modules/user/user.resolvers.ts': ["type from '../../generated/resolvers.ts'", "from './user.service.ts'"],
  'src/principal/principal.ts': [
    "from '../modules/user/user.resolvers.ts'",
    "type from '../modules/user/user.service.ts'",
  ],
  'test/a.ts': [],
}

/** What the rules must say of the tree, and nothing else. */
const expected = [
  'access-stands-alone: src/access/guard.ts -> src/database/tenancy.ts',
  'database-knows-no-feature: src/database/roles.ts -> src/modules/project/project.entity.ts',
  'generated-is-types: src/modules/user/user.service.ts -> src/generated/resolvers.ts',
  'modules-share-services: src/modules/gateway/gateway.service.ts -> src/modules/project/project.resolvers.ts',
  'modules-share-services: src/modules/project/project.module.ts -> src/modules/user/user.resolvers.ts',
  'no-cycle: src/modules/gateway/gateway.service.ts -> src/modules/project/project.resolvers.ts',
  'not-to-dev-dependency: src/errors.ts -> node_modules/jest',
  'not-to-test: src/errors.ts -> test/a.ts',
  'not-to-unresolvable: src/errors.ts -> ./missing.ts',
  'one-door-to-the-driver: src/modules/user/user.service.ts -> node_modules/pg',
  'one-web-server: src/modules/user/user.service.ts -> node_modules/fastify',
  'principal-knows-no-http: src/principal/principal.ts -> src/modules/user/user.resolvers.ts',
  'resolvers-are-nobodys: src/modules/gateway/gateway.service.ts -> src/modules/project/project.resolvers.ts',
  'resolvers-translate: src/modules/gateway/gateway.resolvers.ts -> src/database/tenancy.ts',
  'resolvers-translate: src/modules/gateway/gateway.resolvers.ts -> src/modules/gateway/gateway.entity.ts',
  'rules-are-pure: src/access/rules.ts -> node_modules/graphql',
  'watching-apart: src/modules/user/user.service.ts -> node_modules/prom-client',
]

interface Report {
  summary: { violations: { from: string; to: string; rule: { name: string } }[] }
}

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-rules-'))
  for (const file of ['.dependency-cruiser.cjs', 'package.json', 'tsconfig.json'])
    await cp(`${root}${file}`, join(folder, file))
  await symlink(`${root}node_modules`, join(folder, 'node_modules'))
  for (const [file, lines] of Object.entries(imports)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    const text = lines.map((line, index) => `import ${line.replace(/^(type )?/, `$1{ n${index} } `)}\nn${index}()\n`)
    await writeFile(join(folder, file), `${text.join('')}export const n = 0\n`)
  }
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test('every import rule catches what it is for, and lets the rest through', async () => {
  const report = await cruise()
  const found = report.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${packageOf(to)}`)
  expect([...new Set(found)].toSorted()).toEqual(expected)
})

/** Runs the project's rules over the small tree. */
async function cruise(): Promise<Report> {
  const program = `${root}node_modules/dependency-cruiser/bin/dependency-cruise.mjs`
  const output = await new Promise<string>((done) => {
    execFile(
      process.execPath,
      [program, '--no-cache', '--output-type=json', 'src'],
      { cwd: folder, maxBuffer: 1e8 },
      (_, text) => {
        done(text)
      },
    )
  })
  return JSON.parse(output) as Report
}

/** A package's name for each file in it, wherever it is installed. */
function packageOf(path: string): string {
  return path.replace(/^.*(node_modules\/(?:@[^/]+\/)?[^/]+).*$/, '$1')
}
