import type { EntityManager } from '@mikro-orm/sql'
import { TimeLimit, type Deadline } from '../deadline.ts'
import type { Database } from './database.ts'
import type { Reading } from './reading.ts'
import type { Shape } from './shape.ts'
import { assertNotHolding, hold, openReading, statementThrough, transact, type Door } from './tenancy.ts'
import { secondsSince } from './watch.ts'

/** The rows that one operation works on, as one principal. */
export interface Rows {
  /**
   * Reads through a door. All reads of an operation share one read-only transaction, opened by the first of them: they
   * see one state of the database, and an operation that reads no rows opens none. Reading through another door ends the
   * transaction first, so that a request never holds two connections.
   * @returns plain rows, by the statement that is compiled once for the shape.
   */
  select(door: Door, shape: Shape): Promise<unknown[]>
  /**
   * The operation reads by so many statements: the transaction ends with the last of them, and the connection is given back at
   * once. Should it read again all the same, it sees a later state of the database.
   */
  expectReads(statements: number): void
  /** The same, through the ORM: for what needs its entities. It costs many times as much. */
  read<T>(door: Door, work: (em: EntityManager) => Promise<T>): Promise<T>
  /**
   * Runs `work` in a transaction of its own; reads after it see what it wrote. After a deadlock it is run again, with a new
   * EntityManager: it must have no effect but its statements, and leave others to `afterCommit`.
   */
  write<T>(door: Door, work: (em: EntityManager) => Promise<T>): Promise<T>
  /** As `write`, however late it is: what is to be known of an attempt, whether its caller has been answered meanwhile or not. */
  record<T>(door: Door, work: (em: EntityManager) => Promise<T>): Promise<T>
  /** Runs `work`, which takes a connection of its own, while the operation holds none. */
  apart<T>(work: () => Promise<T>): Promise<T>
  /** Called whenever what was read before may be out of date; for the per-operation loaders. */
  onChange(forget: () => void): void
  /** Gives the connection back. Nothing can be read or written afterwards. */
  close(): Promise<void>
}

/** Runs one piece of work at a time: there is one connection, and the doors must not interleave on it. */
function openQueue() {
  let last: Promise<unknown> = Promise.resolve()
  let isClosed = false
  return {
    isClosed: () => isClosed,
    /** The last piece of work that is begun. */
    close: () => (isClosed = true),
    async run<T>(work: () => Promise<T>): Promise<T> {
      assertNotHolding()
      const turn = last.then(() => {
        if (isClosed) throw new Error('The operation has ended')
        return work()
      })
      last = turn.catch(() => {})
      return turn
    },
  }
}

/** The read-only transaction that is open, if one is, and the door that it reads through. */
function keepReading(database: Database, organizationId: string | null, deadline?: Deadline) {
  let reading: { door: Door; transaction: Reading; startedMs: number } | null = null
  async function end(): Promise<void> {
    const ended = reading
    reading = null
    if (!ended) return
    await ended.transaction.end()
    database.watch.transaction('read', secondsSince(ended.startedMs))
  }
  return {
    end,
    async through<T>(door: Door, work: (transaction: Reading) => Promise<T>): Promise<T> {
      try {
        if (reading?.door !== door) {
          await end()
          deadline?.throwIfAborted()
          const startedMs = performance.now()
          const transaction = await openReading(database, { door, organizationId }, deadline)
          reading = { door, transaction, startedMs }
        }
        return await work(reading.transaction)
      } catch (error) {
        // PostgreSQL refuses every further statement of a transaction that has failed: the next read starts afresh.
        await end()
        // A statement that was cancelled says no more than that it was.
        deadline?.throwIfAborted()
        throw error
      }
    },
  }
}

/**
 * The rows for one operation of a principal with this organization. Nothing is opened before it is needed.
 * @param deadline when it passes, what runs is cancelled; nothing is read or committed after that.
 */
export function openRows(database: Database, organizationId: string | null, deadline?: Deadline): Rows {
  const forgetters: (() => void)[] = []
  const reading = keepReading(database, organizationId, deadline)
  const queue = openQueue()
  let expected = 0

  async function select(door: Door, shape: Shape): Promise<unknown[]> {
    const statement = await statementThrough(database, door, shape)
    return queue.run(async () => {
      expected -= 1
      const isLast = expected === 0
      const rows = await reading.through(door, ({ rowsOf }) => rowsOf(statement, shape.values, isLast))
      if (isLast) await reading.end()
      return rows
    })
  }
  async function write<T>(door: Door, work: (em: EntityManager) => Promise<T>, until = deadline): Promise<T> {
    await reading.end()
    until?.throwIfAborted()
    try {
      return await transact(database, { door, organizationId, readOnly: false }, work, until)
    } finally {
      for (const forget of forgetters) forget()
    }
  }

  return {
    select,
    expectReads: (statements) => void (expected = statements),
    read: (door, work) =>
      queue.run(() =>
        reading.through(door, async (transaction) => {
          const em = await transaction.em()
          return hold(() => work(em))
        }),
      ),
    write: (door, work) => queue.run(() => write(door, work)),
    record: (door, work) => queue.run(() => write(door, work, TimeLimit.none)),
    apart: (work) =>
      queue.run(async () => {
        await reading.end()
        return work()
      }),
    onChange: (forget) => void forgetters.push(forget),
    async close() {
      if (queue.isClosed()) return
      await queue.run(async () => {
        queue.close()
        await reading.end()
      })
    },
  }
}
