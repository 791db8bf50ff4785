import type { GraphQLResolveInfo } from 'graphql'

export type VariableValues = GraphQLResolveInfo['variableValues']

export type Data = Record<string, unknown>

/** Something is wrong or unusual, and left to graphql-js, which tells what it is. No client is ever told this. */
export class Unusual extends Error {}

const unusual = new Unusual()

/** @throws Unusual: always the same, as making an error costs more than a small query */
export function giveUp(): never {
  throw unusual
}

/** One execution of a query. It ends when nothing is waited for any more, whatever has happened meanwhile. */
export class Run {
  #waitingFor = 0
  #failed = false
  #end: (() => void) | null = null
  readonly contextValue: unknown
  readonly variableValues: VariableValues

  constructor(contextValue: unknown, variableValues: VariableValues) {
    this.contextValue = contextValue
    this.variableValues = variableValues
  }

  /** Does a piece of the work; what it throws ends here. After a failure nothing more is begun. */
  attempt(work: () => void): void {
    if (this.#failed) return
    try {
      work()
    } catch {
      this.#failed = true
    }
  }

  /** Has the value used when it is there. */
  wait(promise: PromiseLike<unknown>, use: (value: unknown) => void): void {
    // Before it counts: what is no good promise may throw here.
    const settled = Promise.resolve(promise)
    this.#waitingFor += 1
    settled.then(
      (value) => {
        this.attempt(() => use(value))
        this.#arrived()
      },
      () => {
        this.#failed = true
        this.#arrived()
      },
    )
  }

  #arrived(): void {
    this.#waitingFor -= 1
    if (this.#waitingFor === 0) this.#end?.()
  }

  /** The data when it is whole; null where anything failed. */
  outcome(data: Data): Promise<Data | null> | Data | null {
    const known = () => (this.#failed ? null : data)
    if (this.#waitingFor === 0) return known()
    return new Promise((resolve) => {
      this.#end = () => {
        resolve(known())
      }
    })
  }
}
