import { readFileSync, writeFileSync } from 'node:fs'

/** Licences that ask for no more than their notice, by their SPDX identifiers: what is not here is looked at by a person. */
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]

/** A package of the lock file. */
export interface LockedPackage {
  dev?: boolean
  license?: string
}

/** What the server is shipped with: name and licence, in the order of names. */
export function productionLicences(packages: Readonly<Record<string, LockedPackage>>): [string, string][] {
  const shipped = Object.entries(packages).flatMap(([path, { dev, license = 'none' }]): [string, string][] =>
    path === '' || dev ? [] : [[path.replace(/^.*node_modules\//, ''), license]],
  )
  return [...new Map(shipped.map((one) => [one.join(' '), one])).values()].sort(([one], [other]) =>
    one < other ? -1 : 1,
  )
}

/** Packages whose licence is missing, or names anything that is not allowed, as an alternative even. */
export function unknownLicences(licences: readonly [string, string][]): string[] {
  const isKnown = (licence: string) => {
    const named = licence.match(/[\w.+-]+/g)?.filter((word) => word !== 'AND' && word !== 'OR') ?? []
    return named.length > 0 && named.every((id) => ALLOWED.includes(id))
  }
  return licences.flatMap(([name, licence]) => (isKnown(licence) ? [] : [`${name}: ${licence}`]))
}

/** The page that lists them, a paragraph a licence. */
export function licencePage(licences: readonly [string, string][]): string {
  const paragraphs = [...Map.groupBy(licences, ([, licence]) => licence)]
    .sort(([, one], [, other]) => other.length - one.length)
    .flatMap(([licence, packages]) => [`## ${licence}`, packages.map(([name]) => `\`${name}\``).join(', ')])
  return `${['# Licences', introduction, ...paragraphs].join('\n\n')}\n`
}

const introduction = `What the server is shipped with, by licence; written by \`npm run licences -- --write\` from the lock file. \`npm run check\` refuses a
licence that nobody has looked at. Versions and digests are in what \`npm run --silent sbom\` writes.`

/** Prints the page, with `--write` writes it, with `--check` compares it. @returns the exit code. */
function main(flags: readonly string[], file = 'docs/licences.md'): number {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  const licences = productionLicences(packages)
  const page = licencePage(licences)
  const unknown = unknownLicences(licences)
  if (unknown.length > 0) console.error(`Licences to be looked at:\n${unknown.join('\n')}`)
  if (flags.includes('--write')) writeFileSync(file, page)
  else if (!flags.includes('--check')) process.stdout.write(page)
  else if (readFileSync(file, 'utf8') !== page) {
    console.error(`${file} is stale: npm run licences -- --write`)
    return 1
  }
  return unknown.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
