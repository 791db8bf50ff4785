// The properties that `npm test` tries a few hundred times each, with other values in each run. As often as it takes to trust a
// change of them, which is a quarter of an hour: PROPERTY_RUNS=10000 npm run test:hard -- properties
process.env.PROPERTY_RUNS ??= '1000'

await import('../access/verdicts.test.ts')
await import('../sweeps/tenants.test.ts')
await import('../sweeps/hostile-values.test.ts')
