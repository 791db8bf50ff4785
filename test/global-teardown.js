import { removeDatabaseImage } from './make-database-image.ts'
import { sumSweeps } from './secrets-sweep.ts'

export default async function tearDown() {
  await removeDatabaseImage()
  sumSweeps()
}
