const { RACE_ROUNDS } = process.env

/** How often a race is run: often enough that a winner by chance loses once; RACE_ROUNDS times at most where that is set. */
export const rounds = (usual: number): number => Math.min(usual, Number(RACE_ROUNDS ?? usual))
