import { grantableScopes } from '../../access/granting.ts'
import type { ScopeRegistry } from '../../access/scopes.ts'
import type { Config } from '../../config.ts'
import { badUserInput, type BadInput } from '../../errors.ts'
import type { RegisterIssuerInput } from '../../generated/resolvers.ts'
import { requiredText } from '../../input.ts'
import { addressFault, type AddressRules } from '../../principal/external/address-rules.ts'
import { defaultScopeMap } from '../../principal/external/trusted-issuer.ts'
import type { IssuerRow, IssuerScope } from './issuer.entity.ts'

const ISSUER_MAX = 255
const JWKS_URI_MAX = 2_000
const TEXT_MAX = 255
const AUDIENCES_MAX = 20
const SCOPE_MAP_MAX = 100

/** What an issuer is registered with. */
export type NewIssuer = Pick<
  IssuerRow,
  'issuer' | 'jwksUri' | 'audiences' | 'algorithms' | 'scopeClaim' | 'scopeMap' | 'maxScopes'
>

interface Surroundings {
  readonly scopes: ScopeRegistry
  readonly config: Pick<Config, 'external' | 'tokens'>
}

/**
 * What is asked for, checked by its form alone. Nothing is fetched: an answer that depended on what is at an address would
 * let whoever registers issuers look around from where the server stands.
 * @throws ApiError BAD_USER_INPUT
 */
export function newIssuer({ scopes, config }: Surroundings, input: RegisterIssuerInput): NewIssuer {
  const rules = { allowPrivate: false, allowedHosts: config.external.privateHosts }
  const jwksUri = input.jwksUri == null ? null : keyAddress(input.jwksUri, rules)
  return {
    issuer: issuerName(input.iss, jwksUri, rules, config),
    jwksUri,
    audiences: audiencesOf(input.audiences),
    algorithms: someOf(['input', 'algorithms'], input.algorithms ?? ['RS256']),
    scopeClaim: requiredText(['input', 'scopeClaim'], input.scopeClaim, TEXT_MAX),
    scopeMap: scopeMapOf(scopes, input.scopeMap),
    maxScopes: grantableScopes(scopes, input.maxScopes, ['input', 'maxScopes']),
  }
}

/**
 * The exact `iss`, not trimmed. One refusal for all: whom the server trusts of its own is nobody's business. Only an issuer
 * that is asked for its keys must be at a public address; of others nothing but the name is used.
 */
function issuerName(
  name: string,
  jwksUri: string | null,
  rules: AddressRules,
  { external, tokens }: Surroundings['config'],
): string {
  const isReserved = name === tokens.issuer || external.issuers.some(({ issuer }) => issuer === name)
  const fault = addressFault(name, jwksUri === null ? rules : { allowPrivate: true })
  // OpenID Connect Discovery 1.0 §2. `URL` takes text with spaces and line breaks, and drops them.
  const isName = name.length <= ISSUER_MAX && /^https:\/\/[^\s?#\p{Cc}]+$/u.test(name)
  if (!isReserved && !fault && isName) return name
  const reason =
    'must be an https URL without query or fragment, with a public host unless the keys are elsewhere, and none that is reserved'
  throw badUserInput({ path: ['input', 'iss'], reason })
}

function keyAddress(address: string, rules: AddressRules): string {
  const path = ['input', 'jwksUri']
  const isSpelled = address.length <= JWKS_URI_MAX && !/[\s\p{Cc}]/u.test(address)
  const fault = isSpelled ? addressFault(address, rules) : 'is not a URL'
  if (fault) throw badUserInput({ path, reason: fault })
  return address
}

function audiencesOf(audiences: readonly string[]): string[] {
  const path = ['input', 'audiences']
  if (audiences.length > AUDIENCES_MAX) {
    throw badUserInput({ path, reason: `must have at most ${AUDIENCES_MAX} entries` })
  }
  return someOf(
    path,
    audiences.map((audience, at) => requiredText([...path, at], audience, TEXT_MAX)),
  )
}

function scopeMapOf(registry: ScopeRegistry, given: RegisterIssuerInput['scopeMap']): IssuerScope[] {
  if (given == null) return [...defaultScopeMap].map(([scope, grants]) => ({ scope, grants: [...grants] }))
  const path = ['input', 'scopeMap']
  if (given.length > SCOPE_MAP_MAX) throw badUserInput({ path, reason: `must have at most ${SCOPE_MAP_MAX} entries` })
  const map = given.map(({ scope, grants }, at) => ({
    scope: requiredText([...path, at, 'scope'], scope, TEXT_MAX),
    grants: grantableScopes(registry, grants, [...path, at, 'grants']),
  }))
  const scopes = map.map(({ scope }) => scope)
  const twice = scopes.findIndex((scope, at) => scopes.indexOf(scope) !== at)
  if (twice !== -1) throw badUserInput({ path: [...path, twice, 'scope'], reason: 'is there twice' })
  return someOf(path, map)
}

/** Each once, and one at least. */
function someOf<Item>(path: BadInput['path'], items: readonly Item[]): Item[] {
  if (items.length === 0) throw badUserInput({ path, reason: 'must not be empty' })
  return [...new Set(items)]
}
