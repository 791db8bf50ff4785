import { expect, test } from '@jest/globals'
import { combine, denialError, evaluate, nothing, requirementOf } from '../../src/access/rules.ts'
import type { Powers } from '../../src/access/powers.ts'
import { principals } from './fixture.ts'

test('nothing is required of anyone', () => {
  expect(evaluate(nothing, null)).toBeNull()
  expect(evaluate(combine(), null)).toBeNull()
})

test('a requirement without a principal is told as UNAUTHENTICATED', () => {
  const denial = evaluate(requirementOf({ role: 'ADMIN' }), null)
  expect(denial).toEqual({ reason: 'MISSING', required: ['ADMIN'], missing: [] })
  expect(denialError('Query.x', denial!).extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'MISSING' })
})

test('requirements combine with AND, and the higher role wins', () => {
  const all = combine(
    requirementOf({ role: 'VIEWER', scopes: ['read:projects'] }),
    nothing,
    requirementOf({ role: 'ADMIN', kinds: [['USER'], ['USER', 'API_KEY']] }),
    requirementOf({ role: 'DEVELOPER', scopes: ['read:gateways', 'read:projects'], kinds: [['API_KEY', 'USER']] }),
    requirementOf({ anyOf: [['write:projects', 'write:gateways']] }),
    requirementOf({ anyOf: [['write:gateways', 'write:projects'], ['read:secrets']] }),
  )
  expect(all).toEqual({
    authenticated: true,
    kinds: [['USER'], ['API_KEY', 'USER']],
    role: 'ADMIN',
    scopes: ['read:gateways', 'read:projects'],
    anyOf: [['write:gateways', 'write:projects'], ['read:secrets']],
  })
})

test('two lists of alternatives are two, however their scopes are joined', () => {
  const anyOf = [
    ['a:b', 'cc:d'],
    ['a:bc', 'c:d'],
  ]
  expect(combine(requirementOf({ anyOf })).anyOf).toEqual(anyOf)
})

test('a denial says what was required and what of it is missing, alternatives as one', () => {
  const requirement = requirementOf({
    kinds: [['OPERATOR', 'API_KEY']],
    role: 'ADMIN',
    scopes: ['read:projects', 'write:projects'],
    anyOf: [['delete:projects', 'write:gateways']],
  })
  const denial = evaluate(requirement, principals.viewer)
  expect(denial).toEqual({
    reason: 'WRONG_KIND',
    required: ['OPERATOR | API_KEY', 'ADMIN', 'read:projects', 'write:projects', 'delete:projects | write:gateways'],
    missing: ['OPERATOR | API_KEY', 'ADMIN', 'write:projects', 'delete:projects | write:gateways'],
  })
  const error = denialError('Query.x', denial!)
  expect(error.extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'WRONG_KIND', missing: denial!.missing })
  expect(error.message).toBe(
    'Query.x requires `OPERATOR | API_KEY` and `ADMIN` and `write:projects` and `delete:projects | write:gateways`',
  )
})

test.each([
  ['INSUFFICIENT_ROLE', requirementOf({ role: 'ADMIN', scopes: ['delete:projects'] })],
  ['INSUFFICIENT_SCOPE', requirementOf({ role: 'VIEWER', scopes: ['delete:projects'] })],
  ['INSUFFICIENT_SCOPE', requirementOf({ anyOf: [['delete:projects']] })],
])('the reason is %s', (reason, requirement) => {
  expect(evaluate(requirement, principals.viewer)?.reason).toBe(reason)
})

test('every scope of the list, but only one of each group, is needed', () => {
  const requirement = requirementOf({
    scopes: ['read:projects'],
    anyOf: [
      ['write:projects', 'read:gateways'],
      ['delete:projects', 'read:secrets'],
    ],
  })
  expect(evaluate(requirement, principals.readKey)).toBeNull()
  expect(evaluate(requirement, principals.projectKey)?.missing).toHaveLength(2)
})

test('a role is not held by an API key or an external token, even if their powers said so', () => {
  const forged: Powers = { ...principals.fullKey, role: 'ADMIN' }
  expect(evaluate(requirementOf({ role: 'VIEWER' }), forged)?.missing).toEqual(['VIEWER'])
  expect(evaluate(requirementOf({ role: 'VIEWER' }), principals.external)?.missing).toEqual(['VIEWER'])
})

test('an operator holds no role and no scope by that alone', () => {
  expect(evaluate(requirementOf({ role: 'VIEWER' }), principals.operator)).not.toBeNull()
  expect(evaluate(requirementOf({ scopes: ['read:projects'] }), principals.operator)).not.toBeNull()
  expect(evaluate(requirementOf({ kinds: [['USER']] }), principals.operator)).toBeNull()
})

test('a list of kinds that is empty lets nobody in', () => {
  expect(evaluate(requirementOf({ kinds: [[]] }), principals.admin)).not.toBeNull()
  expect(evaluate(requirementOf({ anyOf: [[]] }), principals.admin)).not.toBeNull()
})
