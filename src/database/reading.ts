import type { MikroORM } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sql'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { valuesFor, type CompiledStatement, type Value } from './compiled-statement.ts'
import type { Deadline } from '../deadline.ts'
import { cancelAt } from './cancel.ts'
import { fly, type Fields, type Sent } from './flight.ts'
import { secondsSince, type DatabaseWatch } from './watch.ts'

/** A read-only transaction, which sees one state of the database. It begins with the first thing that is asked of it. */
export interface Reading {
  /** The rows of a compiled statement. Where it is the last one, the transaction's end travels with it. */
  readonly rowsOf: (statement: CompiledStatement, values: readonly Value[], isLast: boolean) => Promise<Fields[]>
  /** The same transaction, for what is asked through the ORM. */
  em(): Promise<EntityManager>
  /** Gives the connection back, however the transaction went. It never throws. */
  end(): Promise<void>
}

/** What a transaction may reach, as PostgreSQL's policies read it. */
export interface Reach {
  /** Null: the role that every connection has. */
  readonly role: string | null
  readonly tenant: string
}

const sent = (name: string, text: string, values: readonly unknown[] = []): Sent => ({ name, text, values })

// One state of the database for everything that an operation reads.
const BEGIN = sent('begin', 'begin isolation level repeatable read read only')
// It has written nothing.
const END = sent('end', 'rollback')

// Transaction-local, all of it: nothing of one transaction is left for the next on its connection (isolation.md).
const TENANT = `set_config('mikro.tenant.organizationId', $1, true)`
const ROLE = `set_config('role', $2, true)`
const READ_ONLY = `set_config('transaction_read_only', 'on', true)`

/** Says what the transaction may reach that has begun before it. */
function reaching({ role, tenant }: Reach): Sent {
  return role === null
    ? sent('tenant', `select ${TENANT}`, [tenant])
    : sent('tenant and role', `select ${TENANT}, ${ROLE}`, [tenant, role])
}

/**
 * The same for a single statement that travels with it. What is sent up to one Sync is a transaction by itself, which one
 * statement of it that fails ends for all (PostgreSQL's protocol, "Pipelining"): it needs no begin and no end.
 */
function reachingAtOnce({ role, tenant }: Reach): Sent {
  return role === null
    ? sent('tenant at once', `select ${TENANT}, ${READ_ONLY}`, [tenant])
    : sent('tenant and role at once', `select ${TENANT}, ${ROLE}, ${READ_ONLY}`, [tenant, role])
}

/** What knows the ORM's side of a reading: an EntityManager with the filters of the door. */
export interface Form {
  readonly reach: Reach
  readonly fork: () => EntityManager
}

/** Told of what has been sent, once it is answered: its text, and never its values. */
export type Tell = (statements: readonly Sent[], seconds: number, failed: boolean) => void

/** Tells the watch, and the ORM's own log, which drops it unless it was asked for queries. */
export const tellingOf =
  ({ config }: MikroORM, watch: DatabaseWatch): Tell =>
  (statements, seconds, failed) => {
    const logger = config.getLogger()
    const texts = statements.map(({ text }) => text)
    for (const query of texts) logger.logQuery({ query })
    watch.statements(texts, seconds, failed)
  }

/** Does the work of statements, and tells of them when it is done. */
async function told<T>(tell: Tell, statements: readonly Sent[], work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  let failed = true
  try {
    const answers = await work()
    failed = false
    return answers
  } finally {
    tell(statements, secondsSince(started), failed)
  }
}

/**
 * Reads on a connection of the pool: what opens the transaction travels with its first statement.
 * @param deadline when it passes, what runs is cancelled
 */
export async function readOnPool(pool: Pool, { reach, fork }: Form, tell: Tell, deadline?: Deadline): Promise<Reading> {
  const client = await pool.connect()
  const cancelling = cancelAt(deadline, client)
  let begun = false
  let lent: Lent | null = null
  const send = (...statements: readonly Sent[]): Promise<Fields[][]> =>
    told(tell, statements, () => fly(client, statements))
  const sendWithin = (...asked: readonly Sent[]): Promise<Fields[][]> => {
    const statements = begun ? asked : [BEGIN, reaching(reach), ...asked]
    begun = true
    return send(...statements)
  }
  return {
    async rowsOf(statement, values, isLast) {
      deadline?.throwIfAborted()
      const { name, text } = statement
      const asked = { name, text, values: valuesFor(statement, values, reach.tenant) }
      if (!isLast) return (await sendWithin(asked)).at(-1) ?? []
      if (!begun) return (await send(reachingAtOnce(reach), asked)).at(-1) ?? []
      const answers = await send(asked, END)
      // Where the first failed, the second was not run, and the transaction is still to be ended.
      begun = false
      return answers[0] ?? []
    },
    async em() {
      deadline?.throwIfAborted()
      if (!begun) await sendWithin()
      lent ??= lend(client, fork())
      return lent.em
    },
    async end() {
      lent?.takeBack()
      const cancelled = cancelling.stop()
      if (cancelled) await cancelled
      try {
        if (begun) await send(END)
        client.release()
      } catch (error) {
        client.release(error instanceof Error ? error : true)
      }
    },
  }
}

interface Lent {
  readonly em: EntityManager
  takeBack(): void
}

/**
 * Lets an EntityManager work in the transaction that a connection has begun. Whoever keeps it beyond that does not get at the
 * connection again, which then is another's: like any EntityManager it has a transaction of its own for what it is asked.
 */
function lend(client: PoolClient, em: EntityManager): Lent {
  let isOver = false
  const query = client.query.bind(client) as (...query: unknown[]) => unknown
  const borrowed = {
    query(...given: unknown[]): unknown {
      if (isOver) throw new Error('The transaction has ended')
      return query(...given)
    },
    release: () => undefined,
  }
  const pool = { connect: async () => borrowed, end: async () => undefined }
  em.setTransactionContext(new Kysely({ dialect: new PostgresDialect({ pool: pool as never }) }))
  const takeBack = () => {
    isOver = true
    em.resetTransactionContext()
  }
  return { em, takeBack }
}

/**
 * Begins a transaction that only reads, on the engine whose dialect leaves out what `begin` is told. With one connection, each
 * transaction sees one state anyway.
 */
export async function beginReadOnly(em: EntityManager): Promise<void> {
  await em.begin()
  try {
    await em.execute(`select ${READ_ONLY}`)
  } catch (error) {
    await em.rollback().catch(() => undefined)
    throw error
  }
}

/** Reads through the ORM: for the engine whose one connection is the ORM's own. */
export async function readThroughOrm({ reach, fork }: Form, tell: Tell): Promise<Reading> {
  const em = fork()
  await beginReadOnly(em)
  return {
    async rowsOf(statement, values) {
      const { name, text } = statement
      const query = CompiledQuery.raw(text, valuesFor(statement, values, reach.tenant))
      const transaction = em.getTransactionContext<Kysely<unknown>>()
      if (!transaction) throw new Error('The transaction has ended')
      const { rows } = await told(tell, [sent(name, text)], () => transaction.executeQuery<Fields>(query))
      return rows
    },
    em: async () => em,
    // Where the connection broke meanwhile, there is nothing left to undo.
    end: () => em.rollback().catch(() => undefined),
  }
}
