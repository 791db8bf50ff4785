/** The longest that two instances' clocks may differ by, on both ends of a token's life. */
export const CLOCK_LEEWAY_SECONDS = 120

/**
 * The longest that a clock may be wrong before it is set right. What ends credentials is kept for so much longer than it is
 * needed, or a clock that has run ahead would forget it, and bring them back to life once it is set back.
 */
export const CLOCK_ERROR_SECONDS = 7_200
