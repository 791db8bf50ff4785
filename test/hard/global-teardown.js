export { writeTable as default } from './failure-table.ts'
