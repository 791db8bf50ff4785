import { createScopeRegistry, type ScopeRegistry } from '../../src/access/scopes.ts'
import { loadModules, scopesOf, type FeatureModule } from '../../src/modules.ts'
import { createSchema } from '../../src/schema.ts'
import type { ServedSchema } from './executor.ts'

/** W2's rows, as the services give them to the executor. */
const moment = new Date('2026-01-01T00:00:00.000Z')
const rows = (count: number, name: string) =>
  Array.from({ length: count }, (_, at) => ({
    ...{ id: `01890000-0000-7000-8000-${String(at).padStart(12, '0')}`, name: `${name} ${at}` },
    ...{ createdAt: moment, updatedAt: moment, deletedAt: null },
  }))
const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }
const connectionOf = (nodes: unknown[]) => ({ nodes, pageInfo, edges: () => [], totalCount: async () => nodes.length })

/** The resolvers that read rows, with rows that are there already. All others are the features' own. */
const standIns: Record<string, Record<string, () => Promise<unknown>>> = {
  Query: { projects: async () => connectionOf(rows(10, 'Project')) },
  Project: { gateways: async () => connectionOf(rows(3, 'Gateway')) },
}

type Resolver = ServedSchemaField['resolve']
type ServedSchemaField = ReturnType<NonNullable<ReturnType<ServedSchema['getQueryType']>>['getFields']>[string]

function withStandIns(module: FeatureModule): FeatureModule {
  const resolvers = module.resolvers as Record<string, Record<string, unknown>>
  const own = Object.entries(resolvers).map(([type, fields]) => {
    const standing = Object.entries(standIns[type] ?? {}).filter(([field]) => Object.hasOwn(fields, field))
    return [type, { ...fields, ...Object.fromEntries(standing) }]
  })
  return { ...module, resolvers: Object.fromEntries(own) as FeatureModule['resolvers'] }
}

/**
 * Gives each field the resolver back that its feature has written, or none. It is done from here because the server has no way
 * to be without its guards.
 */
function takeGuardsOff(schema: ServedSchema, modules: readonly FeatureModule[]): ServedSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!('getInterfaces' in type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if ('args' in field) field.resolve = written(modules, type.name, field.name)
    }
  }
  return schema
}

function written(modules: readonly FeatureModule[], type: string, field: string): Resolver {
  const found = modules.map(({ resolvers }) => (resolvers as Record<string, Record<string, unknown>>)[type]?.[field])
  return found.find((resolve) => typeof resolve === 'function') as Resolver
}

/** The served schema twice, with rows that cost nothing: with its guards, and without them. */
export async function bothSchemas() {
  const modules = [...(await loadModules()).values()].map(withStandIns)
  const registry: ScopeRegistry = createScopeRegistry(scopesOf(modules))
  const { schema: guarded, policy } = createSchema(modules, registry)
  const unguarded = takeGuardsOff(createSchema(modules, registry).schema, modules)
  return { guarded, unguarded, policy, registry }
}
