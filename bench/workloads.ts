/** What is asked of the servers. */
export const workloads = {
  W0: '{ __typename } with a token',
  W1: 'me',
  W2: '10 projects with 3 gateways each',
  W3: 'principal, with an API key',
  W4: 'login',
  W5: 'refresh',
  W6: 'a page of projects: the first, and one as deep as the scale allows',
  W7: 'W2 by itself, and while 20 logins run',
} as const

export type WorkloadId = keyof typeof workloads
export const workloadIds = Object.keys(workloads) as WorkloadId[]

/** What is timed: a workload, or one half of a workload that compares two. */
export type CaseId = Exclude<WorkloadId, 'W6' | 'W7'> | 'W6 first' | 'W6 deep' | 'W7 quiet' | 'W7 logins'

const halves: Partial<Record<WorkloadId, CaseId[]>> = {
  W6: ['W6 first', 'W6 deep'],
  W7: ['W7 quiet', 'W7 logins'],
}

/** What is timed for the workloads, in order. The first page does not always come first: what comes second is warmer. */
export function casesOf(asked: readonly WorkloadId[], round = 1): CaseId[] {
  return asked.flatMap((id) => {
    const cases = halves[id] ?? [id as CaseId]
    return id === 'W6' && round % 2 === 0 ? cases.toReversed() : cases
  })
}

/** One request, and what its answer must be. */
export interface Call {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** @throws Error where the answer is not the right one. */
  check(answer: unknown): void
}

/** Nothing was answered: nobody listens, or not in time. */
export class NoAnswer extends Error {}

const ANSWER_LIMIT_MS = 60_000

/** Sends a request and checks its answer. @returns the answer. @throws NoAnswer, or Error where it is a wrong one */
export async function send(url: string, call: Call): Promise<unknown> {
  const { status, text } = await answerTo(url, call)
  if (status < 200 || status > 299) throw new Error(`${call.path} answered ${status}: ${text.slice(0, 500)}`)
  const answer: unknown = JSON.parse(text)
  call.check(answer)
  return answer
}

async function answerTo(url: string, { method, path, headers, body }: Call): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
  try {
    const response = await fetch(url + path, { method, headers, signal, ...(method === 'POST' && { body }) })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    const { cause } = error as Error
    throw new NoAnswer(`${path} has no answer: ${cause instanceof Error ? cause.message : String(error)}`, {
      cause: error,
    })
  }
}
