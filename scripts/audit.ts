import { spawnSync } from 'node:child_process'

/** What `npm audit --json` writes: a report, or why there is none. */
interface Audit {
  message?: string
  metadata?: { vulnerabilities: Record<string, number> }
}

/** How an audit has ended. */
export interface Outcome {
  code: number
  told: string
}

/** Reads an audit. Without an answer of the registry nothing is known, which is said, and fails nothing. */
export function outcomeOf(output: string): Outcome {
  const { metadata, message = 'npm wrote no report' } = parsed(output)
  if (!metadata) return { code: 0, told: `Not audited: ${message}` }
  const { total = 0, ...levels } = metadata.vulnerabilities
  const found = Object.entries(levels).filter(([, count]) => count > 0)
  if (total === 0) return { code: 0, told: 'No known vulnerability in what the server is shipped with.' }
  return {
    code: 1,
    told: `Vulnerabilities: ${found.map(([level, count]) => `${count} ${level}`).join(', ')}; see npm audit`,
  }
}

function parsed(output: string): Audit {
  try {
    return JSON.parse(output) as Audit
  } catch {
    return {}
  }
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8', timeout: 60_000 })
  const { code, told } = outcomeOf(stdout)
  console.log(told)
  process.exitCode = code
}
