import { expect, test } from '@jest/globals'
import { Kind } from 'graphql'
import { assertHolds, grantableScopes } from '../../src/access/granting.ts'
import { ScopeScalar } from '../../src/access/scope-scalar.ts'
import type { ApiError } from '../../src/errors.ts'
import { registry } from './fixture.ts'

/** What the caller is told where something is refused. */
function refusal(work: () => unknown): ApiError {
  try {
    work()
  } catch (error) {
    return error as ApiError
  }
  throw new Error('It was not refused')
}

const reason =
  'is not a known scope; known are delete:projects, read:gateways, read:projects, read:secrets, write:gateways, ' +
  'write:projects, and * may stand on either side'

test('scopes are granted as they were given, wildcards kept, each once', () => {
  expect(grantableScopes(registry, ['read:*', 'write:projects', 'read:*'])).toEqual(['read:*', 'write:projects'])
})

test.each([null, undefined, []])('no scopes (%j) are none to be granted', (scopes) => {
  expect(refusal(() => grantableScopes(registry, scopes)).extensions.inputs).toEqual([
    { path: ['input', 'scopes'], reason: 'must not be empty' },
  ])
})

test('a hundred are looked at, and no more', () => {
  const many = (length: number) => Array.from({ length }, () => 'read:projects')
  expect(grantableScopes(registry, many(100))).toEqual(['read:projects'])
  expect(refusal(() => grantableScopes(registry, many(101), ['scopes'])).extensions.inputs).toEqual([
    { path: ['scopes'], reason: 'must have at most 100 entries' },
  ])
})

test('what is no scope, or covers none that there is, is refused in its place', () => {
  const given = ['read:projects', 'read:planets', '*:planets', 'read', '', 7, null, ['read:projects'], '*:*', ['*:*']]
  expect(refusal(() => grantableScopes(registry, given)).extensions).toMatchObject({
    code: 'BAD_USER_INPUT',
    inputs: [1, 2, 3, 4, 5, 6, 7, 9].map((at) => ({ path: ['input', 'scopes', at], reason })),
  })
})

test('nobody grants more than they hold, and no wildcard for the scopes of today', () => {
  expect(() => assertHolds({ scopes: ['read:*', 'write:projects'] }, ['read:secrets', 'write:projects'])).not.toThrow()
  expect(
    refusal(() => assertHolds({ scopes: ['read:projects', 'write:*'] }, ['write:gateways', 'read:*'])),
  ).toMatchObject({
    message: 'Scopes can only be granted by somebody who holds them',
    extensions: {
      code: 'FORBIDDEN',
      reason: 'ABOVE_OWN_SCOPES',
      required: ['write:gateways', 'read:*'],
      missing: ['read:*'],
    },
  })
})

test.each([null, { scopes: [] }])('who holds nothing (%j) grants nothing', (principal) => {
  expect(refusal(() => assertHolds(principal, ['read:projects'])).extensions.missing).toEqual(['read:projects'])
})

test('a scope is text, in a variable, in the document and in the answer', () => {
  expect([ScopeScalar.parseValue('read:*'), ScopeScalar.serialize('read:*')]).toEqual(['read:*', 'read:*'])
  expect(ScopeScalar.parseLiteral({ kind: Kind.STRING, value: 'read:*' })).toBe('read:*')
  for (const value of [7, null, undefined, ['read:*'], { scope: 'read:*' }]) {
    expect(() => ScopeScalar.parseValue(value)).toThrow('Scope cannot represent a non string value')
  }
  for (const kind of [Kind.ENUM, Kind.INT] as const) {
    expect(() => ScopeScalar.parseLiteral({ kind, value: 'read' })).toThrow('non string')
  }
})
