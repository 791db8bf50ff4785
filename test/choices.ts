import { noBias, uint8Array, type Arbitrary } from 'fast-check'

/** Draws one choice after another. */
export interface Choices {
  /** A whole number of at least 0 and less than `end`, which is 256 at most. */
  below(end: number): number
  of<T>(options: readonly [T, ...T[]] | readonly T[]): T
  /** True in so many of a hundred. */
  chance(percent: number): boolean
  /** Those of the options that are chosen, each with the same chance, in their order. */
  some<T>(options: readonly T[], percent: number): T[]
}

/** What choices are read from: it shrinks to a shorter one with smaller numbers. */
export const tape = (maxLength: number): Arbitrary<Uint8Array> => noBias(uint8Array({ maxLength, size: 'max' }))

/**
 * Reads choices from a tape. After its end, and where it says 0, the first option is chosen and no chance comes true:
 * options are to be written with the simplest first, so that a counterexample shrinks to a simple one.
 */
export function choicesFrom(bytes: Uint8Array): Choices {
  let at = 0
  const next = () => bytes[at++] ?? 0
  const below = (end: number) => next() % end
  const chance = (percent: number) => next() >= 256 - (256 * percent) / 100
  return {
    below,
    of: (options) => options[below(options.length)]!,
    chance,
    some: (options, percent) => options.filter(() => chance(percent)),
  }
}
