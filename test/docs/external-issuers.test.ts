import { expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { createScopeRegistry } from '../../src/access/scopes.ts'
import { loadConfig } from '../../src/config.ts'
import { loadModules, scopesOf } from '../../src/modules.ts'
import { assertKnownScopes } from '../../src/principal/external/issuer-settings.ts'
import { pageOf } from './code-blocks.ts'

const page = pageOf('docs/external-issuers.md')
const registry = createScopeRegistry(scopesOf([...(await loadModules()).values()]))

test('the example file is one that the server starts with', () => {
  const { issuers } = loadConfig({ TRUSTED_ISSUERS: 'docs/issuers.example.yml' }, '/dev/null').external
  expect(issuers).toHaveLength(3)
  expect(() => assertKnownScopes(issuers, registry)).not.toThrow()
})

test('the issuer on the page is one too, and the token beside it is for it', () => {
  const [yaml = ''] = /(?<=```yaml\n)[\s\S]*?(?=```)/.exec(page) ?? []
  const [json = ''] = /(?<=```json\n)[\s\S]*?(?=```)/.exec(page) ?? []
  const { issuers } = loadConfig({ TRUSTED_ISSUERS: JSON.stringify(parse(yaml)) }, '/dev/null').external
  const claims = JSON.parse(json) as Record<string, string>
  expect(issuers).toHaveLength(1)
  expect(issuers[0]).toMatchObject({ issuer: claims.iss, audiences: [claims.aud] })
})

test('the table has every member of an issuer', () => {
  const example = pageOf('docs/issuers.example.yml')
  const members = new Set((parse(example) as object[]).flatMap((issuer) => Object.keys(issuer)))
  const rows = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name)
  expect(rows.sort()).toEqual([...members].sort())
})
