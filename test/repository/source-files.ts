import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The project's folder, whatever the working directory is. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** The paths that match, from the project's folder, in order. */
export function filesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).sort()
}

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8')
}

/** The places where `pattern` stands in the files, as `path:line`. */
export function placesOf(pattern: RegExp, files: readonly string[]): string[] {
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  )
}
