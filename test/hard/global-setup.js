// In JavaScript, which Jest does not transform: Node itself then reads what is imported.
export { forgetRows as default } from './failure-table.ts'
