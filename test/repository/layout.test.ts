import { basename } from 'node:path'
import { expect, test } from '@jest/globals'
import { filesOf, placesOf, textOf } from './source-files.ts'

/** SDL that belongs to no feature. */
const sharedSdl = ['common', 'directives']
/** Test folders of the pipeline, of what a whole server does, and of the project itself. */
const pipelineTests = [
  ...[
    'access',
    'browser',
    'config',
    'database',
    'demo',
    'docs',
    'documents',
    'execution',
    'hard',
    'http',
    'isolation',
    'jobs',
  ],
  ...['oauth', 'paging', 'principal', 'rate-limits', 'repository', 'sweeps', 'watching', 'workers'],
]

/** The names of the folders that match. */
const foldersOf = (pattern: string): string[] => filesOf(pattern).map((path) => basename(path))

const sdl = filesOf('schema/*.graphql').map((path) => basename(path, '.graphql'))
const features = sdl.filter((name) => !sharedSdl.includes(name))
const sources = filesOf('src/**/*.ts').filter((path) => !path.startsWith('src/generated/'))

test('each feature has the same name in schema/ and in src/modules/', () => {
  expect(foldersOf('src/modules/*/')).toEqual(features)
})

test('each feature has a test folder of its name', () => {
  expect(foldersOf('test/*/')).toEqual(expect.arrayContaining(features))
})

test('each test folder is named after a feature or a part of the pipeline', () => {
  expect(foldersOf('test/*/').filter((name) => ![...features, ...pipelineTests].includes(name))).toEqual([])
})

test('a file of a module is named after a thing of that module, with its kind', () => {
  const kinds = filesOf('src/modules/*/*.{resolvers,entity,module}.ts')
  expect(kinds.filter((path) => path.split('/')[2] !== basename(path).split('.')[0])).toEqual([])
})

test('there is no drawer for what has no name', () => {
  expect(filesOf('src/**/{utils,helpers,common,types,lib,shared}/')).toEqual([])
  expect(filesOf('src/**/{index,utils,helpers,types}.ts')).toEqual([])
})

test('file names are kebab-case', () => {
  const named = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.ts$/
  expect(sources.filter((path) => !path.includes('/migrations/') && !named.test(basename(path)))).toEqual([])
})

test('config.ts alone reads the environment', () => {
  const others = sources.filter((path) => path !== 'src/config.ts')
  expect(
    placesOf(/\bprocess\s*(\.|\[['"])\s*env\b|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/, others),
  ).toEqual([])
})

test('tenancy.ts alone opens doors to rows', () => {
  const others = sources.filter((path) => path !== 'src/database/tenancy.ts')
  const doors = /\bfilters['"]?\s*:\s*(false\b|\{[^}]*\btenant\b)|\b(setFilterParams|addFilter|setSessionContext)\b/
  expect(placesOf(doors, others)).toEqual([])
})

test('no query says which filters stand: the definition of an entity alone does', () => {
  const definitions = /\.entity\.ts$|^src\/database\/tenant-owned\.ts$/
  const queries = sources.filter((path) => !definitions.test(path))
  expect(placesOf(/\bfilters['"]?\s*:/, queries)).toEqual([])
})

test('what a transaction sets ends with it, and is not there for the next one on its connection', () => {
  expect(placesOf(/\bset_config\s*\((?![^()]*,\s*true\))/i, sources)).toEqual([])
})

test('neither the type checker nor the linter is switched off in src', () => {
  expect(
    placesOf(/@ts-(ignore|expect-error|nocheck)|eslint-disable|\bas any\b|^(?!\s*(\*|\/\*|\/\/)).*:\s*any\b/, sources),
  ).toEqual([])
})

test('no test is skipped or runs alone', () => {
  const tests = filesOf('test/**/*.ts').filter((path) => path !== 'test/repository/layout.test.ts')
  expect(
    placesOf(/\b(it|test|describe)\.(only|skip|todo|failing)\b|\b(xit|xtest|xdescribe|fit|fdescribe)\(/, tests),
  ).toEqual([])
})

test('no source file has more than 300 lines', () => {
  expect(sources.filter((path) => textOf(path).trimEnd().split('\n').length > 300)).toEqual([])
})
