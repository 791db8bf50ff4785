import type { EntityManager } from '@mikro-orm/sql'
import type { Logger } from 'pino'

/** Well within a minute. */
const INTERVAL_MS = 30_000
const MOST_A_STATEMENT = 1_000

/** Remembers when keys were used, and writes it now and then: no request waits for a write. */
export interface ApiKeyUses {
  note(keyId: string): void
  /** Writes what has been noted. What cannot be written is kept for the next time. */
  flush(): Promise<void>
  /** Writes the last of it. */
  stop(): Promise<void>
}

interface Recording {
  /** Runs `work` in a transaction that may write the uses of every tenant's keys. */
  write: (work: (em: EntityManager) => Promise<unknown>) => Promise<unknown>
  log: Logger
  clock: () => Date
}

// Forward only: an instance that is late does not undo what another has written. Locked in the order of ids, so that two
// instances never wait for each other.
const UPDATE = `
  with used as (select * from unnest(string_to_array(?, ' ')::uuid[], string_to_array(?, ' ')::timestamptz[]) as u (id, at)),
    locked as (select k.id from api_keys k where k.id in (select id from used) order by k.id for update)
  update api_keys set last_used_at = used.at from used, locked
  where api_keys.id = used.id and api_keys.id = locked.id
    and (api_keys.last_used_at is null or api_keys.last_used_at < used.at)`

/** Starts to record the uses of keys. */
export function recordUses({ write, log, clock }: Recording): ApiKeyUses {
  let noted = new Map<string, Date>()
  let writing: Promise<void> = Promise.resolve()

  async function writeNoted(): Promise<void> {
    const uses = [...noted].slice(0, MOST_A_STATEMENT)
    if (uses.length === 0) return
    const rest = [...noted].slice(MOST_A_STATEMENT)
    noted = new Map(rest)
    const ids = uses.map(([id]) => id).join(' ')
    const times = uses.map(([, at]) => at.toISOString()).join(' ')
    try {
      await write((em) => em.execute(UPDATE, [ids, times]))
    } catch (error) {
      // Whatever has been noted meanwhile is later.
      noted = new Map([...uses, ...noted])
      throw error
    }
    if (rest.length > 0) await writeNoted()
  }
  function flush(): Promise<void> {
    writing = writing.then(writeNoted).catch((error: unknown) => {
      log.warn({ err: error }, 'the last uses of API keys could not be written')
    })
    return writing
  }

  const timer = setInterval(() => void flush(), INTERVAL_MS).unref()
  return {
    note: (keyId) => void noted.set(keyId, clock()),
    flush,
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
