import type { EntityManager } from '@mikro-orm/sql'
import { LRUCache } from 'lru-cache'
import { compiledFrom, standInFor, type CompiledStatement, type OrmQuery, type Value } from './compiled-statement.ts'
import type { Database } from './database.ts'

/** A question to the database without its values: what is asked often is compiled once, by its key. */
export interface Shape {
  /** The same for questions that differ in their values alone. No value of a client is part of it. */
  readonly key: string
  readonly values: readonly Value[]
  /** Has the ORM write the statement, its filters applied, with stand-ins in the place of the values. */
  compile(em: EntityManager, standIns: readonly Value[]): Promise<OrmQuery>
}

/** Of each database. Shapes are as many as the code has, by the sides of a page and the orders that clients choose among. */
const MOST_SHAPES = 1_000

const statements = new WeakMap<Database, LRUCache<string, Promise<CompiledStatement>>>()

interface Compiling {
  /** Whether the rows are those of one tenant, which the statement must name. */
  ofTenant: boolean
  /** An EntityManager with the door's filters, and the stand-in for the tenant. */
  readonly fork: () => EntityManager
}

/** The statement of a shape, compiled when it is first asked for. */
export function statementOf(database: Database, shape: Shape, compiling: Compiling): Promise<CompiledStatement> {
  const compiled = statements.get(database) ?? new LRUCache<string, Promise<CompiledStatement>>({ max: MOST_SHAPES })
  statements.set(database, compiled)
  const key = `${compiling.ofTenant ? 'tenant' : 'across'} ${shape.key}`
  const before = compiled.get(key)
  if (before) return before
  const made = compile(shape, compiling)
  compiled.set(key, made)
  // What could not be compiled is asked for anew.
  made.catch(() => compiled.delete(key))
  return made
}

async function compile(shape: Shape, { ofTenant, fork }: Compiling): Promise<CompiledStatement> {
  const standIns = shape.values.map((value, at) => standInFor(at, value))
  return compiledFrom(await shape.compile(fork(), standIns), standIns, { ofTenant })
}

/** The statements that have been compiled for a database so far; for tests that look at all of them. */
export async function compiledStatements(database: Database): Promise<CompiledStatement[]> {
  return Promise.all([...(statements.get(database)?.values() ?? [])])
}
