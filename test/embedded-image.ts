import { readFileSync } from 'node:fs'

/** The variable that says where the image is: global-setup.js. */
export const IMAGE_PATH = 'TENANTRY_TEST_IMAGE'

let image: Blob | null = null

/** What embedded databases start from, so that not each of them has to be made; null on a PostgreSQL server. */
export function embeddedImage(): Blob | null {
  const path = process.env[IMAGE_PATH]
  return path ? (image ??= new Blob([readFileSync(path)])) : null
}
