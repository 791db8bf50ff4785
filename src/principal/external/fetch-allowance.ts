const MINUTE_MS = 60_000
/** As many as an organization has issuers in force: after a start, a token of each may be the next. */
const MOST_A_MINUTE = 20

/**
 * How often the issuers of one organization are asked for their keys, together: whoever registers, uses and disables one
 * after the other has a new one each time, which has not been asked before.
 * @param clock milliseconds since 1970
 * @returns whether this organization's may be asked now; if so, it is counted
 */
export function createFetchAllowance(clock: () => number): (organization: string) => boolean {
  const fetches = new Map<string, readonly number[]>()
  return (organization) => {
    const now = clock()
    const isRecent = (time = -Infinity) => time > now - MINUTE_MS && time <= now
    for (const [other, times] of fetches) {
      // They stand in the order of their last fetch.
      if (isRecent(times.at(-1))) break
      fetches.delete(other)
    }
    const recent = (fetches.get(organization) ?? []).filter((time) => isRecent(time))
    if (recent.length >= MOST_A_MINUTE) return false
    fetches.delete(organization)
    fetches.set(organization, [...recent, now])
    return true
  }
}
