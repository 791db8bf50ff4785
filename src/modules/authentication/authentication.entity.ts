import { defineEntity, p, type InferEntity } from '@mikro-orm/core'
import { everyTable } from '../../database/columns.ts'
import { roles } from '../../database/roles.ts'
import { User } from '../user/user.entity.ts'

const forAuthenticationAlone = (table: string) => ({
  rowLevelSecurity: 'force' as const,
  policies: [{ name: `${table}_authentication`, roles: [roles.authentication], using: 'true', check: 'true' }],
})

/** A user's password hash, apart from `users`, so that no role but that of authentication can read it. */
export const Password = defineEntity({
  name: 'Password',
  tableName: 'passwords',
  properties: {
    ...everyTable,
    userId: () => p.manyToOne(User).mapToPk().fieldName('user_id').unique(),
    hash: p.text(),
  },
  ...forAuthenticationAlone('passwords'),
})

/** Failed sign-ins in a row, for an account or an address: the number, and until when no further attempt is looked at. */
export const SignInFailures = defineEntity({
  name: 'SignInFailures',
  tableName: 'sign_in_failures',
  properties: {
    ...everyTable,
    /** SHA-256 of `account:` + e-mail or `address:` + address: the table names nobody. */
    subject: p.text().unique(),
    failures: p.integer(),
    lastFailedAt: p.datetime(3),
    blockedUntil: p.datetime(3),
  },
  ...forAuthenticationAlone('sign_in_failures'),
})

export type PasswordRow = InferEntity<typeof Password>
export type SignInFailuresRow = InferEntity<typeof SignInFailures>
