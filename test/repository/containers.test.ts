import { existsSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { root, textOf } from './source-files.ts'

interface Service {
  image?: string
  build?: string
  user?: string
  ports?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
  command?: string[]
  read_only?: boolean
  tmpfs?: string[]
  cap_drop?: string[]
  security_opt?: string[]
}

const { services } = parse(textOf('docker-compose.yml'), { merge: true, strict: true }) as {
  services: Record<'postgres' | 'valkey' | 'migrate' | 'server', Service>
}
const manifest = JSON.parse(textOf('package.json')) as {
  dependencies: Record<string, string>
  scripts: Record<string, string>
}

/** The Dockerfile's instructions, continuation lines joined, comments left out. */
const instructions = textOf('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line))
  .map((match) => ({ keyword: match?.[1] ?? '', rest: match?.[2] ?? '' }))

/** What stands after a keyword, once for each of its uses. */
const all = (keyword: string, from = instructions): string[] =>
  from.filter((instruction) => instruction.keyword === keyword).map((instruction) => instruction.rest)
const lastFrom = instructions.findLastIndex((instruction) => instruction.keyword === 'FROM')
const finalStage = instructions.slice(lastFrom)

test('compose has PostgreSQL, Valkey, the migration and the server', () => {
  expect(Object.keys(services).toSorted()).toEqual(['migrate', 'postgres', 'server', 'valkey'])
  expect(Number(/^postgres:(\d+)/.exec(services.postgres.image ?? '')?.[1])).toBeGreaterThanOrEqual(15)
})

test('every image is pinned to a release', () => {
  const images = [services.postgres.image, services.valkey.image, ...all('FROM').map((from) => from.split(' ')[0])]
  expect(images.filter((image) => !/:\d+\.\d+/.test(image ?? ''))).toEqual([])
})

test('every service that stays up says whether it is well', () => {
  for (const service of [services.postgres, services.valkey, services.server]) {
    expect(service.healthcheck?.test?.length).toBeGreaterThan(1)
  }
})

test('the server waits for a healthy database and for the migration', () => {
  expect(services.server.depends_on).toEqual({
    postgres: { condition: 'service_healthy' },
    valkey: { condition: 'service_healthy' },
    migrate: { condition: 'service_completed_successfully' },
  })
  expect(services.migrate.depends_on).toEqual({ postgres: { condition: 'service_healthy' } })
})

test('every secret comes from the environment, and has no default', () => {
  const secrets = Object.values(services)
    .flatMap((service) => Object.entries(service.environment ?? {}))
    .filter(([name, value]) => /PASSWORD|SECRET|KEY|TOKEN/.test(name) || /:\/\/[^/]*@/.test(value))
  expect(secrets.length).toBeGreaterThan(4)
  for (const [, value] of secrets)
    expect(value).toMatch(/^(postgres:\/\/\w+:)?\$\{[A-Z_]+:\?[^}]+\}(@postgres:5432\/tenantry)?$/)
})

test('the server is not given the owner of the database', () => {
  expect(services.server.environment).not.toHaveProperty('MIGRATION_DATABASE_URL')
  expect(JSON.stringify(services.server)).not.toContain('POSTGRES_PASSWORD')
  expect(services.server.environment?.DATABASE_URL).toBe(services.migrate.environment?.DATABASE_URL)
  expect(services.server.environment?.MIGRATE_ON_START).toBe('false')
})

test('ports are open on this machine alone', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? [])
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test('our own containers and the cache can neither write nor gain rights', () => {
  for (const service of [services.migrate, services.server, services.valkey]) {
    expect(service).toMatchObject({
      read_only: true,
      tmpfs: ['/tmp'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
  }
})

test('the image is built in stages, on the Node that the tests run on', () => {
  expect(all('FROM').length).toBeGreaterThan(1)
  for (const from of all('FROM')) expect(from).toMatch(new RegExp(`^node:${manifest.dependencies.node}-[a-z-]*slim\\b`))
})

test('the image runs as a user without rights, answers a health check and is stopped by SIGTERM', () => {
  expect(all('USER', finalStage)).toEqual(['node'])
  expect(all('HEALTHCHECK', finalStage)[0]).toContain('/health/ready')
  expect(all('STOPSIGNAL', finalStage)).toEqual(['SIGTERM'])
  expect(all('ENV', finalStage)[0]).toContain('HOST=0.0.0.0')
})

test('the image starts Node itself, on files that it holds', () => {
  const command = JSON.parse(all('CMD', finalStage)[0] ?? '[]') as string[]
  expect(command.join(' ')).toBe(manifest.scripts.start)
  for (const [program, file] of [command, services.migrate.command ?? []]) {
    expect(program).toBe('node')
    expect(existsSync(`${root}${file ?? ''}`)).toBe(true)
  }
})

test('everything that the Dockerfile copies exists and is let through by .dockerignore', () => {
  const copied = all('COPY')
    .filter((rest) => !rest.startsWith('--from='))
    .flatMap((rest) => rest.split(' ').slice(0, -1))
  const allowed = textOf('.dockerignore').match(/(?<=^!).+$/gm)
  expect(copied.filter((path) => !existsSync(`${root}${path}`))).toEqual([])
  expect([...new Set(copied)].toSorted()).toEqual(allowed?.toSorted())
})

test('building the image runs npm ci and nothing else', () => {
  expect(all('RUN')).toEqual(['npm ci --omit=dev --ignore-scripts'])
})
