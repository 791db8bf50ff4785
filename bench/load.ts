import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinning } from './processes.ts'
import type { Call } from './workloads.ts'

export interface LoadResult {
  requests: number
  /** Answers with another status than 2xx, and requests without one. */
  failures: number
  seconds: number
  p50Ms: number
  p99Ms: number
}

export interface Load {
  url: string
  /** Sent in turn. */
  calls: readonly Call[]
  connections: number
  seconds: number
}

export type LoadGenerator = (load: Load) => Promise<LoadResult>

const hasWrk = spawnSync('wrk', ['--version']).error === undefined

/** wrk where it is installed, else autocannon. */
export const loader: { name: string; run: LoadGenerator } = hasWrk
  ? { name: 'wrk', run: wrk }
  : { name: 'autocannon', run: autocannon }

/** wrk's script. A string of JSON in ASCII is one of Lua, too. */
function scriptOf(calls: readonly Call[]): string {
  const formats = calls.map(({ method, path, headers, body }) => {
    const pairs = Object.entries(headers).map(([name, value]) => `[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
    const content = method === 'POST' ? JSON.stringify(body) : 'nil'
    return `    wrk.format(${JSON.stringify(method)}, ${JSON.stringify(path)}, { ${pairs.join(', ')} }, ${content}),`
  })
  return `
local requests, at = {}, 0
function init()
  requests = {
${formats.join('\n')}
  }
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT [%d, %d, %d, %d, %d]\\n', summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
`
}

async function wrk({ url, calls, connections, seconds }: Load): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  try {
    const script = join(folder, 'requests.lua')
    await writeFile(script, scriptOf(calls), { mode: 0o600 })
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '60s', '-s', script, url]
    const output = await outputOf('wrk', args)
    const numbers = /^RESULT (.*)$/m.exec(output)?.[1]
    if (!numbers) throw new Error(`wrk has failed:\n${output}`)
    const [requests, failures, duration, p50, p99] = JSON.parse(numbers) as [number, number, number, number, number]
    return { requests, failures, seconds: duration / 1e6, p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function outputOf(program: string, args: string[]): Promise<string> {
  const [first = '', ...rest] = [...(pinning ? ['taskset', '-c', pinning.others] : []), program, ...args]
  return new Promise((resolve, reject) => {
    const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer) => void (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', () => resolve(output))
  })
}

async function autocannon({ url, calls, connections, seconds }: Load): Promise<LoadResult> {
  const { default: run } = await import('autocannon')
  const requests = calls.map(({ method, path, headers, body }) => ({
    ...{ method, path, headers },
    ...(method === 'POST' && { body }),
  }))
  const result = await run({ url, connections, duration: seconds, requests, timeout: 60 })
  return {
    requests: result.requests.total,
    failures: result.non2xx + result.errors,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}
