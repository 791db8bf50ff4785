import { describe, expect, jest, test } from '@jest/globals'
import { checkPassword } from '../../src/modules/authentication/password-policy.ts'
import { createPasswordHasher } from '../../src/principal/password-hashing.ts'

const context = { email: 'ada.lovelace@acme-corp.co.uk', organizationName: 'Analytical Engines' }
const policy = { minLength: 8, requireLetterAndDigit: true }
const reasonFor = (password: string, changes: Partial<typeof policy> = {}) =>
  checkPassword(password, context, { ...policy, ...changes })

test.each([
  'correct horse 7',
  'x7#kQ9!z',
  '        a1',
  'пароль-не-простой-7',
  '密码不是一个常见的词7',
  'سر-٤٥٦٧-طويل',
  '👩‍👩‍👧‍👦👩‍👩‍👧‍👦a1',
  'acme-corp correct horse 7',
  'a1\0\u0007\u007f\u202e-x9',
  'tenantry-8271649035',
])('%j is accepted', (password) => {
  expect(reasonFor(password)).toBeNull()
})

test('length is counted in code points after NFC', () => {
  expect(reasonFor('abcdef1')).toBe('must have at least 8 characters')
  expect(reasonFor(`${'e\u0301'.repeat(6)}1`)).toBe('must have at least 8 characters')
  expect(reasonFor('👍👍👍👍👍a1')).toBe('must have at least 8 characters')
  expect(reasonFor('👍👍👍👍👍👍a1')).toBeNull()
  expect(reasonFor('x7#kQ9!z', { minLength: 15 })).toBe('must have at least 15 characters')
  expect(reasonFor(`${'👍'.repeat(1022)}a1`)).toBeNull()
  expect(reasonFor(`${'👍'.repeat(1023)}a1`)).toBe('must have at most 1024 characters')
})

test('a letter and a digit of any script are asked for, unless the setting is off', () => {
  const reason = 'must have at least one letter and one digit'
  expect(reasonFor('correct horse')).toBe(reason)
  expect(reasonFor('8271649035')).toBe(reason)
  expect(reasonFor('!!!!!!!!!!')).toBe(reason)
  expect(reasonFor('correct horse', { requireLetterAndDigit: false })).toBeNull()
  expect(reasonFor('!?!%&/()==', { requireLetterAndDigit: false })).toBeNull()
})

test.each(['password1', 'PASSWORD123', 'Qwerty123', 'p@ssw0rd', '1q2w3e4r'])('%s is too common', (password) => {
  expect(reasonFor(password)).toBe('is one of the most common passwords')
})

test.each([
  ['ada.lovelace@acme-corp.co.uk', 'the e-mail address'],
  ['Ada.Lovelace1', 'the e-mail address'],
  ['2026adalovelace!', 'the e-mail address'],
  ['Acme-Corp-2026', "the e-mail address's domain"],
  ['ANALYTICAL engines 1!', "the organization's name"],
  ['analyticalengines99', "the organization's name"],
  ['Tenantry1', 'the name of this service'],
  ['T-e-n-a-n-t-r-y-1', 'the name of this service'],
])('%s is too close to what a guesser knows', (password, what) => {
  expect(reasonFor(password, { requireLetterAndDigit: false })).toBe(`is too close to ${what}`)
})

test('a name in NFD is the same name', () => {
  const cafe = { email: 'x@y.test', organizationName: 'Cafe\u0301 Zoë' }
  expect(checkPassword('caf\u00e9zoe\u03081', cafe, policy)).toBe("is too close to the organization's name")
})

test('short words, digits alone and what is missing block nothing', () => {
  const short = { email: 'al@x.io', organizationName: null }
  expect(checkPassword('al827164', short, policy)).toBeNull()
  expect(checkPassword('q827164z', { email: '', organizationName: '' }, policy)).toBeNull()
  expect(
    checkPassword(
      '82716490351',
      { email: '123@456.test', organizationName: '!!!' },
      { ...policy, requireLetterAndDigit: false },
    ),
  ).toBeNull()
})

test('however many words an address has, the password is taken apart once', () => {
  const password = `a${'7'.repeat(1_022)}a`
  const labels = Array.from({ length: 60 }, (_, at) => `name${at}`)
  const context = { email: `somebody@${labels.join('.')}.test`, organizationName: null }
  const normalize = jest.spyOn(String.prototype, 'normalize')
  try {
    expect(checkPassword(password, context, policy)).toBeNull()
    expect(normalize.mock.contexts.filter((text) => String(text) === password)).toHaveLength(2)
  } finally {
    normalize.mockRestore()
  }
})

describe('a text that is too long for any password', () => {
  // A run of combining marks costs normalization the square of its length.
  const marks = `a1${'\u0345'.repeat(40_000)}`

  test('is refused before anything normalizes it', async () => {
    const normalize = jest.spyOn(String.prototype, 'normalize')
    const hasher = createPasswordHasher({ pepper: Buffer.alloc(32, 7), cost: 4, threads: 1, maxQueue: 4 })
    try {
      const policy = { minLength: 8, requireLetterAndDigit: true }
      const context = { email: 'a@example.test', organizationName: null }
      expect(checkPassword(marks, context, policy)).toBe('must have at most 1024 characters')
      expect(await hasher.verify(marks, await hasher.hash('correct horse 7'))).toEqual({
        ok: false,
        needsRehash: false,
      })
      await expect(hasher.hash(marks)).rejects.toThrow('The password policy has not been asked')
      const lengths = normalize.mock.contexts.map((text) => String(text).length)
      expect(Math.max(...lengths)).toBeLessThan(4_097)
    } finally {
      normalize.mockRestore()
      await hasher.close()
    }
  })
})
