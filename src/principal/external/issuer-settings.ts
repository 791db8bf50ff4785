import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { isGrant, type ScopeRegistry } from '../../access/scopes.ts'
import { defaultScopeMap, externalAlgorithms, organizationNamings, type TrustedIssuer } from './trusted-issuer.ts'

const NAME = 'TRUSTED_ISSUERS'
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/

/** Whether a host is this machine itself, and nobody else reaches it there. */
export const isLoopback = (hostname: string) => LOOPBACK.test(hostname)

/** What is wrong with a URL by itself; the environment may demand more. `iss` is compared as it is written, so as a text. */
function urlFault(text: string): string | null {
  if (!URL.canParse(text) || /[\s\p{Cc}]/u.test(text)) return 'must be a URL'
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return 'must not contain credentials'
  // OpenID Connect Discovery 1.0 §2; the subject of a principal is its issuer, `#` and its `sub`.
  if (text.includes('#')) return 'must not have a fragment'
  if (protocol === 'https:') return null
  return protocol === 'http:' && isLoopback(hostname) ? null : 'must be an https URL'
}

const text = z.string().min(1).max(255)
const url = z
  .string()
  .max(2_000)
  .superRefine((value, ctx) => {
    const message = urlFault(value)
    if (message) ctx.addIssue({ code: 'custom', message })
  })
const issuerUrl = url.refine((value) => !value.includes('?'), 'must not have a query')
const grants = z.array(z.string().refine(isGrant, 'must be action:resource, with * for all')).min(1)
const only = <Value extends string>(values: readonly [Value, ...Value[]]) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

const issuerSettings = z
  .strictObject({
    issuer: issuerUrl,
    jwksUri: url.optional(),
    audiences: z.array(text).min(1),
    algorithms: z
      .array(only([...externalAlgorithms]))
      .min(1)
      .default(['RS256']),
    organizationClaim: text.default('organization'),
    organizationBy: only([...organizationNamings]).default('id'),
    scopeClaim: text.default('scope'),
    scopeMap: z.record(z.string(), grants).optional(),
    maxScopes: grants,
    organization: text.optional(),
  })
  .transform(({ jwksUri, scopeMap, organization, ...given }): TrustedIssuer => {
    const map = scopeMap ? new Map(Object.entries(scopeMap)) : defaultScopeMap
    const source = { source: 'configuration', allowPrivate: true } as const
    return { ...given, jwksUri: jwksUri ?? null, scopeMap: map, organization: organization ?? null, ...source }
  })

const issuerList = z.array(issuerSettings).superRefine((issuers, ctx) => {
  issuers.forEach(({ issuer }, place) => {
    if (issuers.findIndex((other) => other.issuer === issuer) === place) return
    ctx.addIssue({ code: 'custom', path: [place, 'issuer'], message: 'is there twice' })
  })
})

/** The setting: a JSON text, or the path of a JSON or YAML file. One issuer may stand without the brackets of a list. */
export const trustedIssuersSetting = z
  .string()
  .default('[]')
  .transform((given, ctx): readonly TrustedIssuer[] => {
    try {
      const value = readSetting(given.trim())
      const result = issuerList.safeParse(Array.isArray(value) ? value : [value])
      if (result.success) return result.data
      for (const { path, message } of result.error.issues) ctx.addIssue({ code: 'custom', path, message })
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
    }
    return z.NEVER
  })

/** @throws Error that says where it is not readable, and nothing of what stands there. */
function readSetting(given: string): unknown {
  if (/^[[{]/.test(given)) return parsed((): unknown => JSON.parse(given), 'is not JSON')
  const content = parsed(() => readFileSync(given, 'utf8'), `the file ${given} cannot be read`)
  // Every JSON text is YAML too, but for some that tabs are in.
  const isJson = extname(given) === '.json'
  return parsed(
    (): unknown => (isJson ? JSON.parse(content) : parseYaml(content)),
    `the file ${given} is neither JSON nor YAML`,
  )
}

function parsed<Value>(read: () => Value, otherwise: string): Value {
  try {
    return read()
  } catch (cause) {
    throw new Error(otherwise, { cause })
  }
}

interface Surroundings {
  production: boolean
  /** JWT_ISSUER. */
  ownIssuer: string
}

/** What is wrong with issuers where they are to be trusted, each with its place in the setting; undefined: it is unreadable. */
export function issuerMistakes(
  issuers: readonly TrustedIssuer[] | undefined,
  { production, ownIssuer }: Surroundings,
): readonly string[] {
  return (issuers ?? []).flatMap(({ issuer, jwksUri }, place) => [
    ...(issuer === ownIssuer ? [`${NAME}[${place}].issuer: is JWT_ISSUER, which is this server's own`] : []),
    ...(production && issuer.startsWith('http:') ? [`${NAME}[${place}].issuer: must be https in production`] : []),
    ...(production && jwksUri?.startsWith('http:') ? [`${NAME}[${place}].jwksUri: must be https in production`] : []),
  ])
}

/** Issues where they stand: `TRUSTED_ISSUERS[1].maxScopes`. */
export function placeOf(name: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (place, step) => (typeof step === 'number' ? `${place}[${step}]` : `${place}.${String(step)}`),
    name,
  )
}

/**
 * Every scope that an issuer grants must cover one that there is: what is misspelt would grant nothing, or, one day,
 * something.
 * @throws Error that names each, with its place
 */
export function assertKnownScopes(issuers: readonly TrustedIssuer[], registry: ScopeRegistry): void {
  const mistakes = issuers.flatMap(({ maxScopes, scopeMap }, place) => {
    // By what it says: a worker's configuration is a copy.
    const mapped = isDeepStrictEqual(scopeMap, defaultScopeMap) ? [] : [...scopeMap]
    const lists: [string, readonly string[]][] = [
      ['maxScopes', maxScopes],
      ...mapped.map(([scope, granted]): [string, readonly string[]] => [`scopeMap.${scope}`, granted]),
    ]
    return lists.flatMap(([list, granted]) =>
      granted
        .map((grant, index) => ({ grant, at: `${NAME}[${place}].${list}[${index}]` }))
        .filter(({ grant }) => registry.expand([grant]).size === 0)
        .map(({ grant, at }) => `${at}: there is no scope ${grant}`),
    )
  })
  if (mistakes.length > 0) {
    throw new Error(`The configuration is not usable:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`)
  }
}
