/** A change of the sources that was tried, as far as it is told of. */
export interface Mutant {
  file: string
  line: number
  /** `Killed`, `Timeout`, `Survived`, `NoCoverage`, … */
  status: string
  /** What stood there, and what was put there instead, each in one line. */
  original: string
  replacement: string
}

/** What became of the mutants of one file. */
export interface FileScore {
  file: string
  mutants: number
  killed: number
  /** Those that no test has noticed, and whose reason is not in the list. */
  unexplained: Mutant[]
}

/** The least share of a file's mutants that its tests must notice. */
const LEAST_SHARE = 0.9

const longest = 100

/** A piece of source in one line, as the list spells it. */
export const inOneLine = (source: string): string => {
  const line = source.replaceAll(/\s+/g, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const noticed = new Set(['Killed', 'Timeout', 'RuntimeError', 'CompileError'])

/** The mutants that the page explains: `- `original` → `replacement`: why`, under the heading of their file. */
export function explainedIn(page: string): ReadonlySet<string> {
  const explained = new Set<string>()
  let file = ''
  for (const line of page.split('\n')) {
    file = /^### `(.+)`/.exec(line)?.[1] ?? file
    const [, , original, , replacement] = /^- (`+) ?(.+?) ?\1 → (`+) ?(.*?) ?\3: ./.exec(line) ?? []
    if (original !== undefined) explained.add(keyOf({ file, original, replacement: replacement ?? '' }))
  }
  return explained
}

const keyOf = ({ file, original, replacement }: Pick<Mutant, 'file' | 'original' | 'replacement'>) =>
  [file, original, replacement].join('\n')

/** Sums up a run by file. */
export function scoresOf(mutants: readonly Mutant[], explained: ReadonlySet<string>): FileScore[] {
  return [...Map.groupBy(mutants, ({ file }) => file)].map(([file, ofFile]) => {
    const survived = ofFile.filter(({ status }) => !noticed.has(status))
    const unexplained = survived.filter((mutant) => !explained.has(keyOf(mutant)))
    return { file, mutants: ofFile.length, killed: ofFile.length - survived.length, unexplained }
  })
}

/** Whether the file's tests are good enough: nearly all is noticed, and what is not has a reason. */
export function isProven({ mutants, killed, unexplained }: FileScore): boolean {
  return unexplained.length === 0 && killed >= LEAST_SHARE * mutants
}
