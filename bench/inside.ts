import cluster from 'node:cluster'
import { Session } from 'node:inspector/promises'
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'
import type { Answer, Question } from './questions.ts'

/**
 * Loaded into each measured server before its own program (`node --import`): it tells what only the process itself can see.
 * Idle until it is asked, so that nothing is measured that production does not do.
 */

/** How often the event loop is looked at. The histogram holds the time between two looks, and so this much too much. */
const LOOK_EVERY_MS = 10
const PROFILE_EVERY_US = 250

let delays: IntervalHistogram | null = null
let session: Session | null = null

const answers: Record<Question, () => Promise<Answer>> = {
  async 'watch the event loop'() {
    delays = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
    delays.enable()
    return {}
  },
  async 'tell its delay'() {
    delays?.disable()
    const nanoseconds = delays?.percentile(99) ?? 0
    return { delayP99Ms: Math.max(0, nanoseconds / 1e6 - LOOK_EVERY_MS) }
  },
  async 'start the profile'() {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: PROFILE_EVERY_US })
    await session.post('Profiler.start')
    return {}
  },
  async 'tell the profile'() {
    const stopped = await session?.post('Profiler.stop')
    session?.disconnect()
    return stopped ?? {}
  },
}

// The channel of a worker leads to its primary, which is not who asks.
if (isMainThread && cluster.isPrimary && process.send) {
  process.on('message', (question) => {
    const answer = Object.hasOwn(answers, String(question)) ? answers[question as Question] : null
    void answer?.().then((told) => process.send?.(told))
  })
  // A server that has closed all that is its own must end.
  process.channel?.unref()
}
