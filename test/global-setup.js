// In JavaScript, which Jest does not transform: Node itself then reads the sources that the image is made with.
import { makeDatabaseImage } from './make-database-image.ts'
import { startSweeps } from './secrets-sweep.ts'

export default async function setUp() {
  startSweeps()
  await makeDatabaseImage()
}
