import { DefaultLogger, type LogContext, type LoggerOptions } from '@mikro-orm/core'

/** What watches over the database. */
export interface DatabaseWatch {
  /** A statement has been answered just now, or several that travelled together. @param texts without values */
  statements(texts: readonly string[], seconds: number, failed: boolean): void
  /** A transaction has ended. @param seconds from the asking for a connection on */
  transaction(access: 'read' | 'write', seconds: number): void
}

/** Where nobody watches. */
export const unwatched: DatabaseWatch = { statements: () => {}, transaction: () => {} }

/** Seconds since a moment of `performance.now()`. */
export const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1_000

/**
 * The ORM's logger, which also tells the watch of each statement that the ORM has run. It is given the text with `?` in the
 * place of each value, unless its log is asked for the values.
 */
export class WatchedLogger extends DefaultLogger {
  readonly #watch: DatabaseWatch

  constructor(options: LoggerOptions, watch: DatabaseWatch) {
    super(options)
    this.#watch = watch
  }

  override logQuery(context: { query: string } & LogContext): void {
    super.logQuery(context)
    if (context.took === undefined || this.isEnabled('query-params', context)) return
    this.#watch.statements([context.query], context.took / 1_000, context.level === 'error')
  }
}
