import { LRUCache } from 'lru-cache'

/** Records that are read once and then held in memory until they change. */
export interface HeldRecords<Value> {
  /**
   * The record; null where there is none. A promise only where the database has to be asked.
   * @param around given the reading to do, once for all who wait for the same one
   */
  get(key: string, around?: Around<Value>): Value | null | Promise<Value | null>
  /** The record where it is held; null where the database would have to be asked. */
  held(key: string): Value | null
  /** Forgets the record with this id, and what is being read of it. */
  drop(id: string): void
  /** Forgets everything. */
  clear(): void
}

/** Reads, or refuses to. */
export type Around<Value> = (read: () => Promise<Value | null>) => Promise<Value | null>

interface Holding<Value> {
  /** How many are held; the one that was asked for longest ago goes first. */
  most: number
  /** False while changes may be missed: then nothing is held, and the database is asked each time. */
  isLive: () => boolean
  read: (key: string) => Promise<Value | null>
}

/** Holds records that {@link Holding.read} finds; what it does not find is asked for again each time. */
export function holdRecords<Value extends { readonly id: string }>(holding: Holding<Value>): HeldRecords<Value> {
  const { most, isLive, read } = holding
  const keys = new Map<string, string>()
  const held = new LRUCache<string, Value>({ max: most, dispose: ({ id }) => void keys.delete(id) })
  const reading = new Map<string, Promise<Value | null>>()
  let changes = 0

  function hold(key: string, record: Value): void {
    held.set(key, record)
    keys.set(record.id, key)
  }
  async function readAndHold(key: string): Promise<Value | null> {
    const before = changes
    const record = await read(key)
    // What changed while it was read may be missing from it: good for this request, not for the next one.
    if (record && changes === before && isLive()) hold(key, record)
    return record
  }
  function readOnce(key: string, around: Around<Value>): Promise<Value | null> {
    const begun = reading.get(key)
    if (begun) return begun
    const beginning = around(() => readAndHold(key)).finally(() => {
      if (reading.get(key) === beginning) reading.delete(key)
    })
    reading.set(key, beginning)
    return beginning
  }
  function forget(): void {
    changes += 1
    reading.clear()
  }

  const heldNow = (key: string) => (isLive() ? (held.get(key) ?? null) : null)

  return {
    held: heldNow,
    get: (key, around = (read) => read()) =>
      heldNow(key) ?? (isLive() ? readOnce(key, around) : around(() => read(key))),
    drop(id) {
      forget()
      const key = keys.get(id)
      if (key !== undefined) held.delete(key)
    },
    clear() {
      forget()
      held.clear()
    },
  }
}
