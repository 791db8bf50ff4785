import pg, { type Connection, type PoolClient, type Submittable } from 'pg'

/** A statement as it is sent: prepared under its name where the connection has not run it before. */
export interface Sent {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** The same with its values as text. */
interface Encoded extends Sent {
  readonly values: (string | null)[]
}

export type Fields = Record<string, unknown>

interface Column {
  readonly name: string
  readonly parse: (text: string) => unknown
}

/** What is known of a connection, and of what its statements show. */
interface Known {
  /** The names of the statements that are prepared on it, the one that was used longest ago first. */
  readonly prepared: Set<string>
  readonly columns: Map<string, readonly Column[]>
}

/** So many statements stay prepared on a connection; another takes the place of the one that was used longest ago. */
const MOST_PREPARED = 200

const known = new WeakMap<PoolClient, Known>()

function knownOf(client: PoolClient): Known {
  const before = known.get(client)
  if (before) return before
  const made: Known = { prepared: new Set(), columns: new Map() }
  known.set(client, made)
  return made
}

/**
 * Sends statements in one flight: they travel together and are answered together, and none is run after one that fails
 * (PostgreSQL's extended query protocol, up to its Sync). A `begin` among them opens the transaction for those after it.
 * `pg` by itself ends each statement with a Sync of its own, and has its columns described each time.
 * @returns the rows of each statement.
 * @throws DatabaseError of the one that failed.
 */
export async function fly(client: PoolClient, statements: readonly Sent[]): Promise<Fields[][]> {
  // Before anything is sent: after half a flight the server would wait for the other half.
  const sent = statements.map(({ name, text, values }) => ({ name, text, values: values.map(encoded) }))
  return new Promise((resolve, reject) => void client.query(new Flight(sent, knownOf(client), resolve, reject)))
}

class Flight implements Submittable {
  readonly #statements: readonly Encoded[]
  readonly #known: Known
  readonly #resolve: (rows: Fields[][]) => void
  readonly #reject: (error: unknown) => void
  #at = 0
  #columns: readonly Column[] = []
  #rows: Fields[] = []
  readonly #answers: Fields[][] = []

  constructor(
    statements: readonly Encoded[],
    knownOfConnection: Known,
    resolve: (rows: Fields[][]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#statements = statements
    this.#known = knownOfConnection
    this.#resolve = resolve
    this.#reject = reject
    this.#expectColumns()
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    try {
      for (const statement of this.#statements) this.#send(connection, statement)
      connection.sync()
    } finally {
      connection.stream.uncork()
    }
  }

  #send(connection: Connection, { name, text, values }: Encoded): void {
    const { prepared } = this.#known
    // To the end, as the one that was used last: what comes after it in this flight must not take its place.
    if (prepared.delete(name)) prepared.add(name)
    else this.#prepare(connection, name, text)
    connection.bind({ statement: name, values }, true)
    connection.execute(null, true)
  }

  #prepare(connection: Connection, name: string, text: string): void {
    const { prepared, columns } = this.#known
    const [oldest] = prepared.size >= MOST_PREPARED ? prepared : []
    // An earlier flight that failed may have got as far as preparing it; to close what is not there is no error.
    for (const closed of oldest === undefined ? [name] : [oldest, name]) {
      connection.close({ type: 'S', name: closed }, true)
      prepared.delete(closed)
      columns.delete(closed)
    }
    connection.parse({ name, text, types: [] }, true)
    connection.describe({ type: 'S', name }, true)
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: parserOf(dataTypeID) }))
    this.#known.columns.set(this.#statements[this.#at]?.name ?? '', this.#columns)
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const row: Fields = {}
    for (let at = 0; at < fields.length; at += 1) {
      const [column, text] = [this.#columns[at], fields[at]]
      if (column) row[column.name] = text === null || text === undefined ? null : column.parse(text)
    }
    this.#rows.push(row)
  }

  handleCommandComplete(): void {
    this.#at += 1
    this.#answers.push(this.#rows)
    this.#rows = []
    this.#expectColumns()
  }

  #expectColumns(): void {
    this.#columns = this.#known.columns.get(this.#statements[this.#at]?.name ?? '') ?? []
  }

  handleReadyForQuery(): void {
    for (const { name } of this.#statements) this.#known.prepared.add(name)
    this.#resolve(this.#answers)
  }

  handleError(error: unknown): void {
    this.#reject(error)
  }
}

const TIMESTAMPTZ: number = pg.types.builtins.TIMESTAMPTZ

function parserOf(type: number): Column['parse'] {
  // A third of what the parser of `pg` takes, which is still for what JavaScript does not read, such as `infinity`.
  if (type === TIMESTAMPTZ) return (text) => asDate(text) ?? parserOfPg(type, 'text')(text)
  return parserOfPg(type, 'text')
}

const parserOfPg = pg.types.getTypeParser as (type: number, format: 'text') => Column['parse']

function asDate(text: string): Date | null {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? null : date
}

/**
 * A value as text, for PostgreSQL to read by the type that it finds for the statement's `$1`.
 * @throws Error for what has none
 */
function encoded(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return `{${value.map((each) => `"${String(each).replace(/["\\]/g, '\\$&')}"`).join()}}`
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new Error(`A statement is given a value that has no text: ${typeof value}`)
}
