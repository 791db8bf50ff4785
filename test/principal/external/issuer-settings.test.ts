import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config.ts'
import { createLogger } from '../../../src/http/log.ts'
import { mistakesIn, trustedBySettings } from './given-settings.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tenantry-issuers-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const issuer = { issuer: 'https://issuer.test', audiences: ['tenantry'], maxScopes: ['read:*'] }
const issuersOf = (setting: string) => loadConfig({ TRUSTED_ISSUERS: setting }, '/dev/null').external.issuers
const wrong = (...issuers: unknown[]) => mistakesIn({ TRUSTED_ISSUERS: JSON.stringify(issuers) })

test('nobody is trusted unless the settings say so', () => {
  expect(loadConfig({}, '/dev/null').external).toMatchObject({ issuers: [], skipSignatures: false })
})

test('what is left out has a default', () => {
  expect(trustedBySettings({})).toEqual({
    ...issuer,
    jwksUri: null,
    algorithms: ['RS256'],
    organizationClaim: 'organization',
    organizationBy: 'id',
    scopeClaim: 'scope',
    scopeMap: new Map([
      ['api:read', ['read:*']],
      ['api:write', ['write:*']],
    ]),
    organization: null,
    source: 'configuration',
    allowPrivate: true,
  })
})

test('what is given is taken', () => {
  const given = {
    jwksUri: 'https://keys.test/jwks?tenant=acme',
    algorithms: ['ES384', 'PS512'],
    ...{ organizationClaim: 'org', organizationBy: 'externalId', scopeClaim: 'scp', organization: 'acme' },
  }
  const scopeMap = { projects: ['*:projects', 'read:gateways'], constructor: ['read:*'] }
  expect(trustedBySettings({ ...given, scopeMap })).toMatchObject({
    ...given,
    scopeMap: new Map(Object.entries(scopeMap)),
  })
})

test('the issuers are in the setting itself, or in a file of JSON or YAML', async () => {
  const json = JSON.stringify([issuer])
  await writeFile(join(directory, 'issuers.json'), `[\n\t${JSON.stringify(issuer)}\n]\n`)
  await writeFile(
    join(directory, 'issuers.yml'),
    '# Whom we trust.\n- issuer: https://issuer.test\n  audiences: [tenantry]\n  maxScopes: ["read:*"]\n',
  )
  const expected = issuersOf(json)
  expect(expected).toHaveLength(1)
  expect(issuersOf(` ${json}\n`)).toEqual(expected)
  expect(issuersOf(JSON.stringify(issuer))).toEqual(expected)
  expect(issuersOf(join(directory, 'issuers.json'))).toEqual(expected)
  expect(issuersOf(join(directory, 'issuers.yml'))).toEqual(expected)
})

test('what cannot be read is told, without quoting it', async () => {
  const broken = join(directory, 'broken.yml')
  await writeFile(broken, 'issuers: [hunter2\n- {')
  await writeFile(join(directory, 'broken.json'), '- issuer: hunter2')
  expect(mistakesIn({ TRUSTED_ISSUERS: '[{"issuer": "hunter2"' })).toEqual(['TRUSTED_ISSUERS: is not JSON'])
  for (const file of [broken, join(directory, 'broken.json')]) {
    expect(mistakesIn({ TRUSTED_ISSUERS: file })).toEqual([
      `TRUSTED_ISSUERS: the file ${file} is neither JSON nor YAML`,
    ])
  }
  const missing = join(directory, 'missing.yml')
  expect(mistakesIn({ TRUSTED_ISSUERS: missing })).toEqual([`TRUSTED_ISSUERS: the file ${missing} cannot be read`])
})

test('all mistakes of all issuers are told at once, each with its place, and those of other settings too', () => {
  const mistakes = mistakesIn({
    PORT: 'http',
    TRUSTED_ISSUERS: JSON.stringify([
      { issuer: 'ftp://issuer.test', audiences: [], maxScopes: ['read'], jwksUrl: 'https://issuer.test/keys' },
      { ...issuer, maxScopes: [], algorithms: ['RS256', 'HS256'], organizationBy: 'name', scopeMap: { read: ['all'] } },
      'https://issuer.test',
    ]),
  })
  expect(mistakes.map((mistake) => mistake.replace(/: .*/, '')).sort()).toEqual([
    'PORT',
    'TRUSTED_ISSUERS[0]',
    'TRUSTED_ISSUERS[0].audiences',
    'TRUSTED_ISSUERS[0].issuer',
    'TRUSTED_ISSUERS[0].maxScopes[0]',
    'TRUSTED_ISSUERS[1].algorithms[1]',
    'TRUSTED_ISSUERS[1].maxScopes',
    'TRUSTED_ISSUERS[1].organizationBy',
    'TRUSTED_ISSUERS[1].scopeMap.read[0]',
    'TRUSTED_ISSUERS[2]',
  ])
})

test.each<[string, Record<string, unknown>, string]>([
  ['a member that there is none of', { trusted: true }, 'TRUSTED_ISSUERS[0]: Unrecognized key: "trusted"'],
  [
    'no audience',
    { audiences: undefined },
    'TRUSTED_ISSUERS[0].audiences: Invalid input: expected array, received undefined',
  ],
  [
    'no scopes',
    { maxScopes: undefined },
    'TRUSTED_ISSUERS[0].maxScopes: Invalid input: expected array, received undefined',
  ],
  ['an issuer that is no URL', { issuer: 'issuer' }, 'TRUSTED_ISSUERS[0].issuer: must be a URL'],
  ['a URL with a space at its end', { issuer: 'https://issuer.test ' }, 'TRUSTED_ISSUERS[0].issuer: must be a URL'],
  ['an issuer with a query', { issuer: 'https://a.test/?b' }, 'TRUSTED_ISSUERS[0].issuer: must not have a query'],
  ['an issuer with a fragment', { issuer: 'https://a.test/#b' }, 'TRUSTED_ISSUERS[0].issuer: must not have a fragment'],
  [
    'an issuer with a password',
    { issuer: 'https://a:b@a.test' },
    'TRUSTED_ISSUERS[0].issuer: must not contain credentials',
  ],
  ['an issuer without TLS', { issuer: 'http://issuer.test' }, 'TRUSTED_ISSUERS[0].issuer: must be an https URL'],
  ['keys without TLS', { jwksUri: 'http://10.0.0.1/keys' }, 'TRUSTED_ISSUERS[0].jwksUri: must be an https URL'],
  [
    'a host that only looks like this one',
    { jwksUri: 'http://localhost.evil.test/' },
    'TRUSTED_ISSUERS[0].jwksUri: must be an https URL',
  ],
  ['keys in a file', { jwksUri: 'file:///etc/keys.json' }, 'TRUSTED_ISSUERS[0].jwksUri: must be an https URL'],
  [
    'an empty claim',
    { organizationClaim: '' },
    'TRUSTED_ISSUERS[0].organizationClaim: Too small: expected string to have >=1 characters',
  ],
])('refused: %s', (_, settings, mistake) => {
  expect(wrong(issuer)).toEqual([])
  expect(wrong({ ...issuer, ...settings })).toEqual([mistake])
})

test('an issuer is there once, and this server is none', () => {
  expect(wrong(issuer, { ...issuer, issuer: 'https://another.test' })).toEqual([])
  expect(wrong(issuer, { ...issuer, jwksUri: 'https://keys.test' })).toEqual([
    'TRUSTED_ISSUERS[1].issuer: is there twice',
  ])
  expect(mistakesIn({ JWT_ISSUER: issuer.issuer, TRUSTED_ISSUERS: JSON.stringify([issuer]) })).toEqual([
    "TRUSTED_ISSUERS[0].issuer: is JWT_ISSUER, which is this server's own",
  ])
})

test('without TLS only on this machine, and never in production', () => {
  const local = { ...issuer, issuer: 'http://localhost:8080/realms/acme', jwksUri: 'http://127.0.0.1:8080/keys' }
  expect(wrong(local)).toEqual([])
  expect(wrong({ ...local, jwksUri: 'http://[::1]:8080/keys' })).toEqual([])
  const mistakes = mistakesIn({ NODE_ENV: 'production', TRUSTED_ISSUERS: JSON.stringify([issuer, local]) })
  expect(mistakes.filter((mistake) => mistake.startsWith('TRUSTED_ISSUERS'))).toEqual([
    'TRUSTED_ISSUERS[1].issuer: must be https in production',
    'TRUSTED_ISSUERS[1].jwksUri: must be https in production',
  ])
})

test('the server does not start where an issuer grants what there is none of', async () => {
  const granting = {
    ...issuer,
    issuer: 'https://another.test',
    maxScopes: ['read:projects', 'reed:projects', 'write:*'],
    scopeMap: { everything: ['*:*', 'read:projekts'] },
  }
  const config = loadConfig({ DATA_DIR: ':memory:', TRUSTED_ISSUERS: JSON.stringify([issuer, granting]) }, '/dev/null')
  await expect(createApp(config, { log: createLogger('silent') })).rejects.toThrow(
    [
      'The configuration is not usable:',
      '  - TRUSTED_ISSUERS[1].maxScopes[1]: there is no scope reed:projects',
      '  - TRUSTED_ISSUERS[1].scopeMap.everything[1]: there is no scope read:projekts',
    ].join('\n'),
  )
})

test('signatures are never skipped in production, nor where others reach the server', () => {
  const skipping = { JWT_SKIP_VALIDATION: 'true' }
  const about = (environment: Record<string, string>) =>
    mistakesIn({ ...skipping, ...environment }).filter((mistake) => mistake.includes('JWT_SKIP_VALIDATION'))
  expect(about({})).toEqual([])
  for (const HOST of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(about({ HOST })).toEqual([])
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.nip.io']) {
    expect(about({ HOST })).toEqual(['JWT_SKIP_VALIDATION: only where HOST is a loopback address, such as 127.0.0.1'])
  }
  expect(about({ NODE_ENV: 'production', HOST: '127.0.0.1' })).toEqual(['JWT_SKIP_VALIDATION: never in production'])
})
