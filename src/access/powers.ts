import { LRUCache } from 'lru-cache'
import type { PrincipalKind, Role } from '../principal/principal.ts'
import type { ScopeRegistry } from './scopes.ts'

/** What a principal may do, as the access rules see it: made once per principal, asked by set tests. */
export interface Powers {
  /** An operator is a user too, so it has both kinds. */
  readonly kinds: ReadonlySet<PrincipalKind>
  /** Held through a membership; null for every kind that holds none. */
  readonly role: Role | null
  /** Known scopes, wildcards expanded. */
  readonly scopes: ReadonlySet<string>
  /** The same for the same powers, different for different ones: plans are cached by it. */
  readonly key: string
}

/** The powers of a principal, made once for all that are alike. Only a user (an operator included) holds a role; for others it is dropped. */
export function makePowers(
  kind: PrincipalKind,
  role: Role | null,
  grantedScopes: Iterable<string>,
  registry: ScopeRegistry,
): Powers {
  const granted = [...grantedScopes]
  const made = madeOf(registry)
  const name = JSON.stringify([kind, role, granted])
  const before = made.get(name)
  if (before) return before
  const powers = newPowers(kind, role, granted, registry)
  made.set(name, powers)
  return powers
}

/** Of very many different grants, those that were used longest ago are made anew. */
const MOST_MADE = 1_000

const madeByRegistry = new WeakMap<ScopeRegistry, LRUCache<string, Powers>>()

function madeOf(registry: ScopeRegistry): LRUCache<string, Powers> {
  const before = madeByRegistry.get(registry)
  if (before) return before
  const made = new LRUCache<string, Powers>({ max: MOST_MADE })
  madeByRegistry.set(registry, made)
  return made
}

function newPowers(
  kind: PrincipalKind,
  role: Role | null,
  grantedScopes: readonly string[],
  registry: ScopeRegistry,
): Powers {
  const isUser = kind === 'USER' || kind === 'OPERATOR'
  const held = isUser ? role : null
  const scopes = registry.expand(grantedScopes)
  const kinds = new Set<PrincipalKind>(kind === 'OPERATOR' ? ['OPERATOR', 'USER'] : [kind])
  // `expand` yields the registry's order, and no scope has a space or a bar in it: equal keys mean equal powers.
  return { kinds, role: held, scopes, key: `${kind}|${held ?? ''}|${[...scopes].join(' ')}` }
}
