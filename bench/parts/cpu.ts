function microseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** The CPU time of this process, with all of its threads, for each time that something is done; microseconds. */
export async function cpuEach(times: number, work: (at: number) => unknown): Promise<number> {
  const before = microseconds()
  for (let at = 0; at < times; at += 1) {
    const done = work(at)
    if (done instanceof Promise) await done
  }
  return (microseconds() - before) / times
}

/**
 * The CPU time of each of several things, for each time that it is done, batch by batch; microseconds. They are done in turn,
 * in one order and then in the other, so that what drifts meanwhile falls on all of them: what two of them took in the same
 * batch can be compared.
 */
export async function cpuInTurn<Name extends string>(
  { batches, times }: { batches: number; times: number },
  works: Record<Name, (at: number) => unknown>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(works) as Name[]
  const taken = new Map(names.map((name) => [name, [] as number[]]))
  for (let batch = 0; batch < batches; batch += 1) {
    const order = batch % 2 === 0 ? names : names.toReversed()
    for (const name of order) taken.get(name)?.push(await cpuEach(times, works[name]))
  }
  return Object.fromEntries(taken) as Record<Name, number[]>
}
