import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What a server has sent to PostgreSQL. */
export interface Sent {
  /** The text of each statement that was executed, in order. */
  statements: string[]
  /** How often it waited: the ends of what it sent in one go. */
  roundTrips: number
}

export interface Tap {
  /** The same database, through the tap. */
  url: string
  /** What has been sent since it was last asked for. */
  take(): Sent
  close(): void
}

/** Reads the frontend's half of PostgreSQL's protocol, 3.0. */
class FrontendReader {
  readonly #sent: Sent
  readonly #prepared = new Map<string, string>()
  readonly #portals = new Map<string, string>()
  #rest = Buffer.alloc(0)
  #isStarted = false

  constructor(sent: Sent) {
    this.#sent = sent
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      // The first message of a connection alone has no type.
      const at = this.#isStarted ? 1 : 0
      if (this.#rest.length < at + 4) return
      const end = at + this.#rest.readInt32BE(at)
      if (this.#rest.length < end) return
      if (this.#isStarted) this.#message(this.#rest.toString('latin1', 0, 1), this.#rest.toString('utf8', 5, end))
      this.#isStarted = true
      this.#rest = this.#rest.subarray(end)
    }
  }

  #message(type: string, content: string): void {
    const [first = '', second = ''] = content.split('\0', 2)
    if (type === 'P') this.#prepared.set(first, second)
    if (type === 'B') this.#portals.set(first, this.#prepared.get(second) ?? '')
    if (type === 'E') this.#sent.statements.push(this.#portals.get(first) ?? '')
    if (type === 'Q') this.#sent.statements.push(...first.split(';').filter((text) => text.trim() !== ''))
    if (type === 'Q' || type === 'S') this.#sent.roundTrips += 1
  }
}

/** Stands between a server and its database and counts what is asked: `pg_stat_statements` is seldom there. */
export async function tap(databaseUrl: string): Promise<Tap> {
  const sent: Sent = { statements: [], roundTrips: 0 }
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const reader = new FrontendReader(sent)
    const upstream = connect(Number(target.port || 5432), target.hostname)
    for (const socket of [client, upstream]) sockets.add(socket.setNoDelay().on('error', () => {}))
    client.on('data', (chunk: Buffer) => reader.read(chunk))
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    take: () => ({ statements: sent.statements.splice(0), roundTrips: sent.roundTrips - (sent.roundTrips = 0) }),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** What one operation costs in SQL. */
export interface SqlCount {
  transactions: number
  /** Statements that read or write rows: neither the transaction's own nor settings. */
  forRows: number
  settings: number
  roundTrips: number
}

/** Counts what was sent for one operation. Statements that were sent outside a transaction are one each. */
export function countSql({ statements, roundTrips }: Sent): SqlCount {
  const is = (pattern: RegExp) => statements.filter((text) => pattern.test(text)).length
  const transactions = is(/^\s*(begin|start transaction)/i)
  const ends = is(/^\s*(commit|rollback|end)\b/i)
  const settings = is(/^\s*(set\b|select\s+set_config)/i)
  const forRows = statements.length - transactions - ends - settings
  return {
    transactions: transactions || forRows,
    forRows,
    settings,
    roundTrips,
  }
}
