import { execFileSync } from 'node:child_process'

/** A bill of materials in CycloneDX, as far as it is looked at. */
interface Bom {
  serialNumber?: string
  metadata: { timestamp?: string; component: { name: string; 'bom-ref': string } }
  components: { name: string; 'bom-ref': string; properties?: { name: string }[]; externalReferences?: unknown }[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

/**
 * What the server is shipped with, from the lock file alone, in CycloneDX 1.5: npm's own bill without what is for development
 * (`--omit=dev` leaves out too much: npm 11.19 takes whatever a tool needs as well, such as zod, for a tool), and without
 * what says when and in which folder it was made. For one lock file there is one bill.
 * @throws Error where npm fails.
 */
export function billOfMaterials(): Bom {
  const flags = ['--package-lock-only', '--sbom-format=cyclonedx']
  const bom = JSON.parse(execFileSync('npm', ['sbom', ...flags], { encoding: 'utf8', maxBuffer: 1 << 26 })) as Bom
  const { serialNumber: _serialNumber, ...lasting } = bom
  const { timestamp: _timestamp, ...metadata } = bom.metadata
  const components = bom.components.filter(
    ({ properties = [] }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'),
  )
  const shipped = new Set([metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])])
  const dependencies = bom.dependencies
    .filter(({ ref }) => shipped.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => shipped.has(one)) }))
  return {
    ...lasting,
    metadata: { ...metadata, component: { ...metadata.component, name: 'tenantry' } },
    components,
    dependencies,
  }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(billOfMaterials(), null, 2)}\n`)
