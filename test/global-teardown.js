import { removeEmbeddedImage } from './make-embedded-image.ts'
import { sumSweeps } from './secrets-sweep.ts'

export default async function tearDown() {
  await removeEmbeddedImage()
  sumSweeps()
}
