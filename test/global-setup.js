// In JavaScript, which Jest does not transform: Node itself then reads the sources that the image is made with.
import { makeEmbeddedImage } from './make-embedded-image.ts'
import { startSweeps } from './secrets-sweep.ts'

export default async function setUp() {
  startSweeps()
  await makeEmbeddedImage()
}
