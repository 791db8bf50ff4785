import type { EntitySchema } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { LRUCache } from 'lru-cache'
import { compiledFrom, standInFor, type CompiledStatement, type OrmQuery, type Value } from './compiled-statement.ts'
import type { Database } from './database.ts'

/** A question to the database without its values: what is asked often is compiled once, by its key. */
export interface Shape {
  /** The same for questions that differ in their values alone. No value of a client is part of it. */
  readonly key: string
  /** Whose rows are asked for. */
  readonly entity: EntitySchema
  readonly values: readonly Value[]
  /** Has the ORM write the statement, its filters applied, with stand-ins in the place of the values. */
  compile(em: EntityManager, standIns: readonly Value[]): Promise<OrmQuery>
}

/** Of each database. Shapes are as many as the code has, by the sides of a page and the orders that clients choose among. */
const MOST_SHAPES = 1_000

const statements = new WeakMap<Database, LRUCache<string, Promise<CompiledStatement>>>()

interface Compiling {
  /** Whether the door is that of one tenant, which a statement about its own rows must name. */
  throughTenant: boolean
  /** An EntityManager with the door's filters, and the stand-in for the tenant. */
  readonly fork: () => EntityManager
}

/** The statement of a shape, compiled when it is first asked for. */
export function statementOf(database: Database, shape: Shape, compiling: Compiling): Promise<CompiledStatement> {
  const compiled = statements.get(database) ?? new LRUCache<string, Promise<CompiledStatement>>({ max: MOST_SHAPES })
  statements.set(database, compiled)
  const key = `${compiling.throughTenant ? 'tenant' : 'across'} ${shape.key}`
  const before = compiled.get(key)
  if (before) return before
  const made = compile(shape, compiling)
  compiled.set(key, made)
  // What could not be compiled is asked for anew.
  made.catch(() => compiled.delete(key))
  return made
}

async function compile(shape: Shape, { throughTenant, fork }: Compiling): Promise<CompiledStatement> {
  const standIns = shape.values.map((value, at) => standInFor(at, value))
  const em = fork()
  // Users are nobody's own: at the tenant's door row-level security alone says which of them are its members.
  const ofTenant = throughTenant && 'tenant' in em.getMetadata().get(shape.entity).filters
  return compiledFrom(await shape.compile(em, standIns), standIns, { ofTenant })
}

/** The statements that have been compiled for a database so far; for tests that look at all of them. */
export async function compiledStatements(database: Database): Promise<CompiledStatement[]> {
  return Promise.all([...(statements.get(database)?.values() ?? [])])
}
