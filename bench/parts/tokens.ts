import { throws } from 'node:assert/strict'
import { createSecretKey, randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { createAccessTokens } from '../../src/principal/access-token.ts'
import { loadConfig } from '../../src/config.ts'
import { loadSigningKeys } from '../../src/principal/signing-keys.ts'
import { median } from '../statistics.ts'
import { cpuEach, cpuInTurn } from './cpu.ts'

/** What it costs to verify an access token, in microseconds of CPU. */
export interface TokenCost {
  /** One whose text has been seen before. */
  seenUs: number
  /** One whose text is new. */
  newUs: number
  /** jsonwebtoken alone, HS256: every time the same. */
  jsonwebtokenUs: number
}

const BATCHES = { batches: 15, times: 5_000 }
const NEW_ONES = 3_000
/** So many callers take turns. */
const CALLERS = 10

const { tokens: settings, production } = loadConfig()
const { issuer, audience, accessTtlSeconds: ttlSeconds } = settings
const keys = loadSigningKeys({ ...settings, production, generateInto: null })
const accessTokens = createAccessTokens({ keys, issuer, audience, ttlSeconds, clock: Date.now })

const issue = () =>
  accessTokens.issue({
    ...{ kind: 'USER', sub: randomUUID(), client_id: 'tenantry', sid: randomUUID(), email: 'person-1@example.test' },
    ...{ organization: randomUUID(), membership: randomUUID(), membershipVersion: 1, userVersion: 1 },
    ...{ role: 'ADMIN', operator: false, scope: '*:*' },
  }).token
const issued = (count: number) => Array.from({ length: count }, issue)

const signatureOf = (token: string) => token.slice(token.lastIndexOf('.') + 1)

/** That one has been seen says nothing of another, however alike. */
const seen = issued(CALLERS)
for (const token of seen) {
  accessTokens.verify(token)
  const signed = token.slice(0, -signatureOf(token).length)
  throws(() => accessTokens.verify(signed + signatureOf(issue())))
}

const key = createSecretKey(Buffer.from(settings.secret ?? ''))
const options = { algorithms: ['HS256' as const], issuer, audience }
const tokenAt = (at: number) => seen[at % CALLERS] ?? ''
const again = {
  seenUs: (at: number) => accessTokens.verify(tokenAt(at)),
  jsonwebtokenUs: (at: number) => jsonwebtoken.verify(tokenAt(at), key, options),
}
for (const work of Object.values(again)) await cpuEach(BATCHES.times, work)
const { seenUs, jsonwebtokenUs } = await cpuInTurn(BATCHES, again)

const firstTimes: number[] = []
for (let batch = 0; batch < 5; batch += 1) {
  const unseen = issued(NEW_ONES)
  firstTimes.push(await cpuEach(NEW_ONES, (at) => accessTokens.verify(unseen[at] ?? '')))
}

const middle = (values: readonly number[]) => median(values) ?? 0
const cost: TokenCost = { seenUs: middle(seenUs), newUs: middle(firstTimes), jsonwebtokenUs: middle(jsonwebtokenUs) }
console.log(JSON.stringify(cost))
