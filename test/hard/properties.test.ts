// The properties that `npm test` tries a few hundred times each, as often as it takes to trust them.
process.env.PROPERTY_RUNS ??= '10000'

await import('../access/verdicts.test.ts')
await import('../sweeps/tenants.test.ts')
await import('../sweeps/hostile-values.test.ts')
