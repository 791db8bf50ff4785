import { expect, test } from '@jest/globals'
import { scopesIn } from '../../src/principal/current-claims.ts'

test.each([
  ['', []],
  ['project:read', ['project:read']],
  ['project:read project:write *', ['project:read', 'project:write', '*']],
])('the scopes in %j are each of its words', (scope, scopes) => {
  expect(scopesIn({ scope })).toEqual(scopes)
})
