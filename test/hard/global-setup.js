// In JavaScript, which Jest does not transform: Node itself then reads what is imported.
export { forgetFindings as default } from './findings.ts'
