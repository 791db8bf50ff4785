import { writeTable } from './failure-table.ts'
import { writeLoad } from './load-page.ts'
import { writeTiming } from './timing-page.ts'

/** Each page is written where the run has found all that stands in it. */
export default async function writePages() {
  await writeTable()
  await writeLoad()
  await writeTiming()
}
