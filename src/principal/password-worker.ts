import { compareSync, genSaltSync, hashSync } from 'bcryptjs'

/** @property input a password, or what stands for it: at most 72 bytes are read. */
export interface HashTask {
  readonly input: string
  readonly cost: number
}

/** @property bcryptHash well-formed, of any cost; see `password-hashing.ts` */
export interface CompareTask extends HashTask {
  readonly bcryptHash: string
}

/** Runs in a worker thread: bcrypt of `input`, 2^cost rounds. */
export function hash({ input, cost }: HashTask): string {
  return hashSync(input, cost)
}

/**
 * Runs in a worker thread: whether the hash is one of `input`. A wrong password costs 2^cost rounds also where the hash
 * is of a lower cost, or the time would tell an account that has not signed in for long from one that does not exist.
 */
export function compare({ input, cost, bcryptHash }: CompareTask): boolean {
  if (compareSync(input, bcryptHash)) return true
  // 2^own + 2^own + 2^(own+1) + … + 2^(cost-1) = 2^cost
  for (let own = costOf(bcryptHash); own < cost; own += 1) hashSync(input, genSaltSync(own))
  return false
}

const costOf = (bcryptHash: string) => Number(bcryptHash.slice(4, 6))
