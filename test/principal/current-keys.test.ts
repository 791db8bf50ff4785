import { expect, test } from '@jest/globals'
import type { KeySharing, SigningKeys, VerificationKey } from '../../src/principal/signing-keys.ts'
import { givenKeys, givenTokens, secret, subject } from './given-tokens.ts'

const own = givenKeys({ secret })
const newer = givenKeys({ secret: `${secret}, and newer` })
const madeElsewhere = givenTokens(newer).issue(subject).token

/** Keys that are shared with another instance, which has made a newer one. What is done about it is noted, in its order. */
function givenSharedKeys(settings: { isLive?: boolean; hasEnded?: boolean } = {}) {
  const byKid = new Map<string, VerificationKey>(own.byKid)
  const done: string[] = []
  const read = (how: string) => () => {
    done.push(how)
    for (const [kid, key] of newer.byKid) byKid.set(kid, key)
    return Promise.resolve()
  }
  const shared = {
    isLive: () => settings.isLive ?? true,
    hasEnded: () => settings.hasEnded ?? false,
    keepUp: read('kept up'),
    readAgain: read('read again'),
  } as unknown as KeySharing
  const keys: SigningKeys = { ...own, byKid, shared }
  const beforeReading = () => {
    done.push('allowed')
    return Promise.resolve()
  }
  return {
    done,
    tokens: givenTokens(keys),
    verify: (text: string) => givenTokens(keys).verifyCurrent(text, beforeReading),
  }
}

const refused = (reason: string) => expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED', reason } })

test('a token of a key that is held is verified at once', () => {
  const { done, tokens, verify } = givenSharedKeys()
  expect(verify(tokens.issue(subject).token)).toMatchObject({ sub: subject.sub })
  expect(done).toEqual([])
})

test('a key that another instance has made meanwhile is read, once that is allowed', async () => {
  const { done, verify } = givenSharedKeys()
  expect(await verify(madeElsewhere)).toMatchObject({ sub: subject.sub })
  expect(done).toEqual(['allowed', 'read again'])
})

test('nothing is read for a token that is wrong in itself, or says that it is from elsewhere', async () => {
  const { done, tokens, verify } = givenSharedKeys()
  const { token } = tokens.issue(subject)
  const foreign = givenTokens(newer, { issuer: 'https://them.test' }).issue(subject).token
  for (const text of ['none', `${token.slice(0, -4)}AAAA`, foreign]) {
    await expect(async () => verify(text)).rejects.toThrow(refused(text === 'none' ? 'MALFORMED' : 'INVALID'))
  }
  expect(done).toEqual([])
})

test('nothing is read for a key that has ended', async () => {
  const { done, verify } = givenSharedKeys({ hasEnded: true })
  await expect(async () => verify(madeElsewhere)).rejects.toThrow(
    expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED', reason: 'INVALID' }, cause: 'kid has ended' }),
  )
  expect(done).toEqual([])
})

test('while changes may be missed, the keys are caught up with before anything is verified', async () => {
  const { done, tokens, verify } = givenSharedKeys({ isLive: false })
  expect(await verify(tokens.issue(subject).token)).toMatchObject({ sub: subject.sub })
  expect(done).toEqual(['allowed', 'kept up'])
})

test('while changes may be missed, a key that is not known even then is read once more', async () => {
  const { done, tokens, verify } = givenSharedKeys({ isLive: false })
  const elsewhere = givenTokens(givenKeys({ secret: `${secret}, and newest` })).issue(subject).token
  await expect(async () => verify(elsewhere)).rejects.toThrow(refused('INVALID'))
  expect(done).toEqual(['allowed', 'kept up', 'allowed', 'read again'])
  const { token } = tokens.issue(subject)
  await expect(async () => verify(`${token.slice(0, -4)}AAAA`)).rejects.toThrow(refused('INVALID'))
  expect(done.slice(4)).toEqual(['allowed', 'kept up'])
})

test('keys that are shared with nobody are all there are', async () => {
  const verify = async () => givenTokens(own).verifyCurrent(madeElsewhere, () => Promise.reject(new Error('not asked')))
  await expect(verify).rejects.toThrow(refused('INVALID'))
})
