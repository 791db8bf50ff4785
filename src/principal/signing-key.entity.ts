import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { roles } from '../database/roles.ts'
import type { PublicJwk } from './signing-keys.ts'

export const signingKeyAlgorithms = ['RS256', 'ES256'] as const
export type SigningKeyAlgorithm = (typeof signingKeyAlgorithms)[number]

/**
 * A key that signs access tokens on every instance, one after the other: `signsFrom` of each is `signsUntil` of the one
 * before it. Rows stay, so that it can be told which key signed when.
 */
export const SigningKey = defineEntity({
  name: 'SigningKey',
  tableName: 'signing_keys',
  properties: {
    /** The thumbprint of the public key (RFC 7638). */
    kid: p.text().primary(),
    algorithm: p.enum(signingKeyAlgorithms),
    /** What is published (RFC 7517). Nothing is verified with it: the public key follows from the private one. */
    publicJwk: p.json<PublicJwk>(),
    /** PKCS #8, sealed: see {@link createKeySealing}. Null when it is revoked, or has long ceased to sign. */
    privateKey: p.text().nullable(),
    createdAt: p.datetime(3),
    signsFrom: p.datetime(3),
    /** When the next one signs; null for the last. It goes on verifying for as long as a token that it signed lives. */
    signsUntil: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
  },
  rowLevelSecurity: 'force',
  policies: [
    { name: 'signing_keys_read', command: 'select', roles: [roles.authentication], using: 'true' },
    { name: 'signing_keys_insert', command: 'insert', roles: [roles.authentication], check: 'true' },
    { name: 'signing_keys_update', command: 'update', roles: [roles.authentication], using: 'true', check: 'true' },
  ],
})

export type SigningKeyRow = InferEntity<typeof SigningKey>
