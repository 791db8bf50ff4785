import { expect, test } from '@jest/globals'
import { outcomeOf } from '../../scripts/audit.ts'
import { productionLicences, unknownLicences, type LockedPackage } from '../../scripts/licences.ts'
import { billOfMaterials } from '../../scripts/sbom.ts'
import { textOf } from './source-files.ts'

const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, LockedPackage> }

test('a licence that nobody has looked at is refused, and a missing one', () => {
  const locked: Record<string, LockedPackage> = {
    '': { license: 'MIT' },
    'node_modules/plain': { license: 'MIT' },
    'node_modules/both': { license: '(MIT AND BSD-3-Clause)' },
    'node_modules/copyleft': { license: 'AGPL-3.0-only' },
    'node_modules/either': { license: '(MIT OR GPL-3.0-or-later)' },
    'node_modules/@a/nameless': {},
    'node_modules/empty': { license: '' },
    'node_modules/plain/node_modules/@a/inner': { license: 'SEE LICENSE IN LICENSE.md' },
    'node_modules/tool': { license: 'AGPL-3.0-only', dev: true },
  }
  expect(unknownLicences(productionLicences(locked))).toEqual([
    '@a/inner: SEE LICENSE IN LICENSE.md',
    '@a/nameless: none',
    'copyleft: AGPL-3.0-only',
    'either: (MIT OR GPL-3.0-or-later)',
    'empty: ',
  ])
})

test('the bill of materials has every package that is shipped, and is the same twice', () => {
  const bom = billOfMaterials()
  const shipped = new Set(productionLicences(packages).map(([name]) => name))
  expect(shipped.size).toBeGreaterThan(100)
  expect(new Set(bom.components.map(({ name }) => name))).toEqual(shipped)
  expect(bom).toEqual(billOfMaterials())
})

test('the bill of materials tells no registry, and no moment', () => {
  const { components, ...head } = billOfMaterials()
  expect(
    components.filter(({ externalReferences }) => JSON.stringify(externalReferences ?? []).includes('.tgz')),
  ).toEqual([])
  expect(JSON.stringify(head)).not.toMatch(/timestamp|serialNumber|registry/)
})

test('an audit that got no answer says so, and does not pass for one', () => {
  const report = (vulnerabilities: Record<string, number>) => JSON.stringify({ metadata: { vulnerabilities } })
  expect(outcomeOf('{"message":"405 Method Not Allowed"}')).toEqual({
    code: 0,
    told: 'Not audited: 405 Method Not Allowed',
  })
  expect(outcomeOf('')).toEqual({ code: 0, told: 'Not audited: npm wrote no report' })
  expect(outcomeOf(report({ high: 0, total: 0 })).told).toBe(
    'No known vulnerability in what the server is shipped with.',
  )
  expect(outcomeOf(report({ high: 2, low: 0, total: 2 }))).toEqual({
    code: 1,
    told: 'Vulnerabilities: 2 high; see npm audit',
  })
})
