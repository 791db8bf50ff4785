import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'

/** A path of the project, from its root. */
export const placeOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const folder = placeOf('node_modules/.cache/tenantry-findings')
const fileOf = (name: string) => `${folder}/${name}.json`

/** Before a run: what an older run has found proves nothing. Findings of single files add up. */
export function forgetFindings(): void {
  if (process.env.CI) rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}

/** Keeps what a test has found for the page that the run writes at its end. */
export function keepFinding(name: string, finding: unknown): void {
  writeFileSync(fileOf(name), JSON.stringify(finding))
}

/** What a test of this run has found. @returns null where it has not been run */
export function findingOf(name: string): any {
  const file = fileOf(name)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

/** A table in Markdown; the columns of `align` are `---:` where numbers stand. */
export function tableOf(
  titles: readonly string[],
  align: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [titles, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Writes a page of the documentation, formatted as all of them are. */
export async function writePage(path: string, text: string): Promise<void> {
  const place = placeOf(path)
  writeFileSync(place, await format(text, { ...(await resolveConfig(place)), parser: 'markdown' }))
}

/** The middle of some times, or another percentile of them; null of none. */
export function percentile(times: readonly number[], share = 0.5): number | null {
  const sorted = [...times].sort((one, other) => one - other)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? null
}
