import type { TestDatabase } from '../database/given-database.ts'
import type { Answer, TestServer } from '../harness.ts'
import type { Mark, Marks } from './given-secrets.ts'

/** Something that a secret could be left in, by a name such as `log msg`, `header location`, `projects.name`. */
type Trace = readonly [where: string, text: string]

type Kept = Pick<Answer, 'headers' | 'data' | 'errors'>

type Owner = Pick<TestDatabase, 'asOwner'>

export interface Traces {
  /** Keeps an answer for being looked through, and the credentials that it hands out as secrets. */
  keep(answer: Kept): void
  /** A credential of this run, or what one could be made or guessed from; it may be nowhere but in its homes. */
  secret(name: string, text: string, homes?: readonly string[]): void
  /** Where marks are that are not at home there, and credentials. */
  found(): Promise<string[]>
  /** The columns that hold marks, of which they are the home. */
  homesReached(): Promise<string[]>
}

/** Fields whose values are credentials: whoever asks for one sees it in that answer and nowhere else. */
const HANDED_OUT = new Set(['accessToken', 'refreshToken', 'secret'])

/** Columns that credentials can be checked against. */
const DIGEST = /hash$|reuse_key$|nonce$/

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value ?? null))

const membersOf = (where: string, members: object): Trace[] =>
  Object.entries(members).flatMap(([name, value]) => [
    [where, name] as const,
    [`${where} ${name}`, textOf(value)] as const,
  ])

/** What the server has logged. */
const logged = (server: TestServer): Trace[] =>
  server.logged.flatMap((line) => membersOf('log', JSON.parse(line) as object))

/** Every column of every row of every table. */
async function stored({ asOwner }: Owner): Promise<Trace[]> {
  const tables = await asOwner(
    `select table_name as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  )
  const traces: Trace[] = []
  for (const { name } of tables as { name: string }[]) {
    for (const { row } of await asOwner(`select to_jsonb(t) as row from "${name}" t`)) {
      for (const [column, value] of Object.entries(row as object)) {
        if (value !== null) traces.push([`${name}.${column}`, legible(textOf(value))])
      }
    }
  }
  return traces
}

/** Bytes as PostgreSQL writes them, and beside that as what they may spell. */
function legible(text: string): string {
  if (!text.startsWith('\\x')) return text
  const bytes = Buffer.from(text.slice(2), 'hex')
  return [text.slice(2), bytes.toString('latin1'), bytes.toString('base64'), bytes.toString('base64url')].join(' ')
}

/** What the server shows to whoever asks for it; metrics belong in here. */
async function shown(server: TestServer): Promise<Trace[]> {
  const paths = ['/health/live', '/health/ready', '/.well-known/jwks.json', '/graphiql']
  return Promise.all(
    paths.map(async (path) => [`page ${path}`, await (await fetch(server.url + path)).text()] as const),
  )
}

/** Takes the credentials out of an answer's data. */
function takeOut(data: unknown, take: (secret: string) => void): unknown {
  if (Array.isArray(data)) return data.map((item) => takeOut(item, take))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => {
      if (!HANDED_OUT.has(name) || typeof value !== 'string') return [name, takeOut(value, take)]
      take(value)
      return [name, null]
    }),
  )
}

/** An answer without the credentials that it hands out. */
function* told({ data, errors, headers }: Kept, take: (secret: string) => void): Generator<Trace> {
  yield ['data', textOf(takeOut(data, take))]
  for (const error of errors) yield* membersOf('errors', error)
  yield* membersOf('header', Object.fromEntries(headers))
}

/** Everything that is looked through for secrets. */
export function createTraces(server: TestServer, owner: Owner, marks: Marks): Traces {
  const answered: Trace[] = []
  const secrets = new Map<string, Pick<Mark, 'sent' | 'homes'>>()
  const secret: Traces['secret'] = (sent, text, homes = []) => {
    if (text.length >= 16) secrets.set(text, { sent, homes })
  }

  async function everything(): Promise<Trace[]> {
    const rows = await stored(owner)
    const digests = [...new Set(rows.map(([column]) => column))].filter((column) => DIGEST.test(column))
    for (const [column, text] of rows) {
      if (digests.includes(column)) for (const form of text.split(' ')) secret(column, form, digests)
    }
    return [...logged(server), ...answered, ...rows, ...(await shown(server))]
  }

  return {
    secret,
    keep(answer) {
      const take = (text: string) => {
        secret('a credential', text)
        // Its end is what makes it one: the signature, the checksum, the tag.
        secret("a credential's end", text.slice(-20))
      }
      answered.push(...told(answer, take))
    },
    async found() {
      return [...byPlace(await everything())].flatMap(([where, text]) => {
        const held = [...secrets].flatMap(([one, known]) => (text.includes(one) ? [known] : []))
        return [...marks.in(text), ...held].flatMap(({ sent, homes }) =>
          homes.includes(where) ? [] : [`${where}: ${sent}`],
        )
      })
    },
    async homesReached() {
      return [...byPlace(await stored(owner))]
        .flatMap(([where, text]) => (marks.in(text).length > 0 ? [where] : []))
        .sort()
    },
  }
}

/** One text a place: looked through once, however many lines or rows it has. */
function byPlace(traces: readonly Trace[]): Map<string, string> {
  const texts = new Map<string, string[]>()
  for (const [where, text] of traces) {
    const parts = texts.get(where)
    if (parts) parts.push(text)
    else texts.set(where, [text])
  }
  return new Map([...texts].map(([where, parts]) => [where, parts.join('\n')]))
}
