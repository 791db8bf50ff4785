import { describe, expect, test } from '@jest/globals'
import { makePowers } from '../../src/access/powers.ts'
import { createScopeRegistry, grantCovers, intersectGrants, isGrant, isScope } from '../../src/access/scopes.ts'
import { registry } from './fixture.ts'

describe('scopes', () => {
  test.each(['read:projects', 'read:api-keys', 'rotate-all:x9'])('%s is a scope', (text) => {
    expect([isScope(text), isGrant(text)]).toEqual([true, true])
  })

  test.each(['read:*', '*:projects', '*:*'])('%s is a grant and no scope', (text) => {
    expect([isScope(text), isGrant(text)]).toEqual([false, true])
  })

  test.each([
    '',
    'read',
    ':',
    'read:',
    ':projects',
    'Read:projects',
    'read:proj ects',
    'read:projects\n',
    'read:projects:x',
    'read:-x',
    'read:x-',
    'read:x--y',
    're*:projects',
    'read:**',
    '9:x',
    'read:pro_jects',
  ])('%j is neither', (text) => {
    expect([isScope(text), isGrant(text)]).toEqual([false, false])
  })

  test('a wildcard covers the scopes that are there, and those that are added later', () => {
    expect([...registry.expand(['read:*'])]).toEqual(['read:gateways', 'read:projects', 'read:secrets'])
    expect([...registry.expand(['*:gateways'])]).toEqual(['read:gateways', 'write:gateways'])
    expect([...registry.expand(['*:*'])]).toEqual(registry.known)
    const later = createScopeRegistry({ 'read:projects': 'VIEWER', 'read:invoices': 'VIEWER' })
    expect([...later.expand(['read:*'])]).toEqual(['read:invoices', 'read:projects'])
  })

  test('a grant that is malformed or unknown covers nothing', () => {
    expect([...registry.expand(['READ:*', 'read', '*', 'read:planets', 'read:pro*', '**:*'])]).toEqual([])
  })

  test('each role holds what is declared for it and for lower roles', () => {
    expect(registry.grantsOf('VIEWER')).toEqual(['read:*'])
    expect(registry.grantsOf('DEVELOPER')).toEqual(['read:*', 'write:gateways', 'write:projects'])
    expect(registry.grantsOf('ADMIN')).toEqual(['*:*'])
    expect(createScopeRegistry({ 'export:logs': 'VIEWER' }).grantsOf('VIEWER')).toEqual(['read:*', 'export:logs'])
  })

  test('a role that is none holds nothing', () => {
    expect(registry.grantsOf('OWNER' as 'ADMIN')).toEqual([])
  })

  test('a wildcard is never a known scope', () => {
    expect(['read:projects', 'read:*', '*:*', 'toString'].map((scope) => registry.isKnown(scope))).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  test('declarations that cannot hold are refused, all at once', () => {
    const declare = () =>
      createScopeRegistry({ 'read:*': 'VIEWER', 'read:x': 'ADMIN', 'write:y': 'OWNER' as 'ADMIN', Read: 'VIEWER' })
    expect(declare).toThrow(
      /^Scopes are declared wrongly:\nread:\*: not of the form.*\nread:x: VIEWER holds.*\nwrite:y: unknown role OWNER\nRead:/,
    )
  })

  test('whoever grants a wildcard must hold it, not merely the scopes of today', () => {
    expect(grantCovers('read:*', 'read:projects')).toBe(true)
    expect(grantCovers('*:*', 'read:*')).toBe(true)
    expect(grantCovers('read:projects', 'read:*')).toBe(false)
    expect(grantCovers('read:*', '*:*')).toBe(false)
    expect(grantCovers('*:*', 'Read:projects')).toBe(false)
    expect(grantCovers('nonsense', 'read:projects')).toBe(false)
  })

  test('what two lists of grants have in common keeps its wildcards', () => {
    expect(intersectGrants(['read:*', 'write:projects'], ['*:projects'])).toEqual(['read:projects', 'write:projects'])
    expect(intersectGrants(['*:*'], ['read:*', '*:gateways'])).toEqual(['*:gateways', 'read:*'])
    expect(intersectGrants(['read:projects'], ['write:projects', 'read:gateways'])).toEqual([])
    expect(intersectGrants(['*'], ['*:*'])).toEqual([])
    expect(intersectGrants(['*:*'], ['Read:projects', '*'])).toEqual([])
  })

  test('in whichever order scopes are declared, they are told sorted', () => {
    const unsorted = createScopeRegistry({
      ...{ 'write:b': 'DEVELOPER', 'read:z': 'VIEWER', 'write:a': 'DEVELOPER', 'delete:a': 'ADMIN' },
    } as const)
    expect(unsorted.known).toEqual(['delete:a', 'read:z', 'write:a', 'write:b'])
    expect(unsorted.grantsOf('DEVELOPER')).toEqual(['read:*', 'write:a', 'write:b'])
  })
})

describe('powers', () => {
  test('an operator is a user too; nobody else is a second kind', () => {
    expect([...makePowers('OPERATOR', null, [], registry).kinds].sort()).toEqual(['OPERATOR', 'USER'])
    expect([...makePowers('USER', null, [], registry).kinds]).toEqual(['USER'])
    expect([...makePowers('API_KEY', null, [], registry).kinds]).toEqual(['API_KEY'])
  })

  test('a role is held by users alone, whatever is passed', () => {
    expect(makePowers('API_KEY', 'ADMIN', ['*:*'], registry).role).toBeNull()
    expect(makePowers('EXTERNAL', 'ADMIN', ['*:*'], registry).role).toBeNull()
    expect(makePowers('OPERATOR', 'VIEWER', [], registry).role).toBe('VIEWER')
  })

  test('equal powers have equal keys, different powers different ones', () => {
    const key = (...args: [kind: 'USER' | 'API_KEY', role: 'ADMIN' | 'VIEWER' | null, scopes: string[]]) =>
      makePowers(...args, registry).key
    expect(key('USER', null, ['read:*'])).toBe(key('USER', null, ['read:secrets', 'read:projects', 'read:gateways']))
    const all = [
      key('USER', null, []),
      key('API_KEY', null, []),
      key('USER', 'ADMIN', []),
      key('USER', 'VIEWER', []),
      key('USER', null, ['read:*']),
      key('USER', null, ['read:projects']),
    ]
    expect(new Set(all).size).toBe(all.length)
  })

  test('scopes that read alike when they are strung together are different powers', () => {
    const declared = { 'read:a': 'VIEWER', 'read:aw': 'VIEWER', 'rite:c': 'DEVELOPER', 'write:c': 'DEVELOPER' } as const
    const [one, other] = [
      ['read:a', 'write:c'],
      ['read:aw', 'rite:c'],
    ].map((scopes) => makePowers('API_KEY', null, scopes, createScopeRegistry(declared)).key)
    expect(one).not.toBe(other)
  })

  test('principals that are alike share their powers, and those of another registry have their own', () => {
    const made = makePowers('USER', 'VIEWER', ['read:*'], registry)
    expect(makePowers('USER', 'VIEWER', new Set(['read:*']), registry)).toBe(made)
    expect(makePowers('USER', 'DEVELOPER', ['read:*'], registry)).not.toBe(made)
    const other = createScopeRegistry({ 'read:planets': 'VIEWER' })
    expect([...makePowers('USER', 'VIEWER', ['read:*'], other).scopes]).toEqual(['read:planets'])
  })
})
