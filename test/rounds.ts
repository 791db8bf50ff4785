const most = Number(process.env.RACE_ROUNDS ?? Infinity)
// A race that is run no time proves nothing.
if (!(most >= 1)) throw new Error('RACE_ROUNDS must be a number of 1 or more')

/** How often a race is run: often enough that a winner by chance loses once; RACE_ROUNDS times at most where that is set. */
export const rounds = (usual: number): number => Math.min(usual, most)
