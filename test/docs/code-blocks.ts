import { readFileSync } from 'node:fs'
import { root } from '../given-process.ts'

/** A page of the documentation. */
export const pageOf = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

/** The files that a page shows: the blocks that stand under a path of their own. */
export function filesIn(page: string): Map<string, string> {
  const blocks = page.matchAll(/^`([\w./-]+)`\n\n```\w+\n([\s\S]*?)^```$/gm)
  return new Map([...blocks].map(([, path = '', content = '']) => [path, content]))
}

/** What a page tells to run: its `bash` blocks, of one section if its heading is given. */
export function commandsIn(page: string, heading = ''): string[] {
  const section = heading ? (page.split(`\n${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '') : page
  return [...section.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands)
}
