import { roles, type Role } from './principal.ts'

/** The client of tokens that people obtain by signing in: any of them, since a public client proves nothing (RFC 6749 §2.1). */
export const PUBLIC_CLIENT_ID = 'tenantry'

interface AnySubject {
  /** What kind of caller the token is of. */
  readonly kind: 'USER' | 'API_KEY' | 'EXTERNAL'
  /** Whom the token is about: the user's id, the API key's id, or the external subject. */
  readonly sub: string
  /** Who has obtained the token: an API key's id, or {@link PUBLIC_CLIENT_ID} (RFC 9068 §2.2). */
  readonly client_id: string
  /** The id of the organization that is acted for. */
  readonly organization: string | null
  /** Scopes, separated by single spaces (RFC 8693 §4.2). */
  readonly scope: string
}

/** What the server says about a user in an access token. The names are those on the wire. */
export interface UserTokenSubject extends AnySubject {
  readonly kind: 'USER'
  /** The session's id, as in OpenID Connect's back-channel logout. */
  readonly sid: string
  readonly email: string
  /** The id of the user's membership in the organization; null for one who has none. */
  readonly membership: string | null
  /** A lower number than the membership's own is revoked; 0 without a membership. */
  readonly membershipVersion: number
  /** A lower number than the user's own is revoked. */
  readonly userVersion: number
  /** Held through the membership, so null exactly where that is null. */
  readonly role: Role | null
  /** Staff of the platform. */
  readonly operator: boolean
}

/** What the server says about an API key: the key is both the client and the subject (RFC 9068 §2.2). */
export interface ApiKeyTokenSubject extends AnySubject {
  readonly kind: 'API_KEY'
  readonly organization: string
}

/** What the server says about somebody else's user, whose issuer's token was exchanged for it (RFC 8693). */
export interface ExternalTokenSubject extends AnySubject {
  readonly kind: 'EXTERNAL'
  readonly organization: string
  /** The `iss` of the token that was exchanged. */
  readonly subject_issuer: string
  /** The id of that issuer's registration by the organization; null for one of the configuration. */
  readonly registration: string | null
  // OpenID Connect Core 1.0 §5.1, as the issuer has told them: to be shown, never what decides.
  readonly given_name: string | null
  readonly family_name: string | null
  readonly preferred_username: string | null
  readonly email: string | null
}

export type AccessTokenSubject = UserTokenSubject | ApiKeyTokenSubject | ExternalTokenSubject

interface StandardClaims {
  readonly iss: string
  readonly aud: string
  /** Seconds since 1970, as `iat`. */
  readonly exp: number
  readonly iat: number
  readonly jti: string
}

/** All claims of an access token (RFC 9068 §2.2), of whichever kind of caller. */
export type AccessTokenClaims = AccessTokenSubject & StandardClaims

type ClaimsOf<Subject> = Subject & StandardClaims
export type UserTokenClaims = ClaimsOf<UserTokenSubject>
export type ApiKeyTokenClaims = ClaimsOf<ApiKeyTokenSubject>
export type ExternalTokenClaims = ClaimsOf<ExternalTokenSubject>

type Guards<Claims> = Readonly<Record<keyof Claims, (value: unknown) => boolean>>

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/
const scopeList = /^(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?$/

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isUuid = (value: unknown) => typeof value === 'string' && uuid.test(value)
const orNull = (accepts: (value: unknown) => boolean) => (value: unknown) => value === null || accepts(value)
const isScopeList = (value: unknown) => typeof value === 'string' && scopeList.test(value)

/** Whether it is a whole number from 0, as times and versions are. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const anyClaims = { iss: isText, aud: isText, exp: isCount, iat: isCount, jti: isUuid, scope: isScopeList }

const guards: { readonly [Kind in AccessTokenClaims['kind']]: Guards<Extract<AccessTokenClaims, { kind: Kind }>> } = {
  USER: {
    ...anyClaims,
    kind: (value) => value === 'USER',
    sub: isUuid,
    client_id: isText,
    sid: isUuid,
    email: isText,
    organization: orNull(isUuid),
    membership: orNull(isUuid),
    membershipVersion: isCount,
    userVersion: isCount,
    role: (value) => value === null || roles.includes(value as Role),
    operator: (value) => typeof value === 'boolean',
  },
  API_KEY: {
    ...anyClaims,
    kind: (value) => value === 'API_KEY',
    sub: isUuid,
    client_id: isUuid,
    organization: isUuid,
  },
  EXTERNAL: {
    ...anyClaims,
    kind: (value) => value === 'EXTERNAL',
    sub: isText,
    client_id: isText,
    organization: isUuid,
    subject_issuer: isText,
    registration: orNull(isUuid),
    given_name: orNull(isText),
    family_name: orNull(isText),
    preferred_username: orNull(isText),
    email: orNull(isText),
  },
}

const guardsByKind = new Map<unknown, [name: string, accepts: (value: unknown) => boolean][]>(
  Object.entries(guards).map(([kind, ofKind]) => [kind, Object.entries(ofKind)]),
)

/** The name of the first claim that is missing, or of another type than its kind of token has; null where none is. */
export function unacceptableClaim(claims: Readonly<Record<string, unknown>>): string | null {
  const ofKind = guardsByKind.get(claims.kind)
  if (!ofKind) return 'kind'
  return ofKind.find(([name, accepts]) => !accepts(claims[name]))?.[0] ?? null
}

/** What contradicts itself in claims that are each of their type; null where nothing does. */
export function contradictionIn(claims: AccessTokenClaims): string | null {
  if (claims.kind === 'API_KEY') return claims.sub === claims.client_id ? null : 'sub is not client_id'
  if (claims.kind === 'EXTERNAL') return null
  if ((claims.role === null) !== (claims.membership === null)) return 'role without membership'
  return claims.membership !== null && claims.organization === null ? 'membership without organization' : null
}
