import { assert } from '../../src/base/assert.ts'
import { PairTable } from './pair-table.ts'

/** What is left of each bound, as one number in a state. */
export class LeftCounts<Name extends string> {
  readonly #names: readonly Name[]
  readonly #counts: (readonly number[])[] = []
  readonly #numbers = new Map<string, number>()
  readonly #spent = new PairTable()

  constructor(names: readonly Name[]) {
    this.#names = names
  }

  number(bounds: Readonly<Record<Name, number>>): number {
    return this.#number(this.#names.map((name) => bounds[name]))
  }

  count(left: number, name: Name): number {
    return this.#counts[left]?.[this.#names.indexOf(name)] as number
  }

  isLeft(left: number, name: Name): boolean {
    return this.count(left, name) > 0
  }

  /** One less. */
  spend(left: number, name: Name): number {
    const index = this.#names.indexOf(name)
    const known = this.#spent.get(left, index)
    if (known >= 0) return known
    assert(this.isLeft(left, name), 'what is spent is left')
    const number = this.#number((this.#counts[left] as readonly number[]).map((count, at) => count - Number(at === index)))
    this.#spent.set(left, index, number)
    return number
  }

  #number(counts: readonly number[]): number {
    const key = counts.join()
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#counts.length
      this.#numbers.set(key, number)
      this.#counts.push(counts)
    }
    return number
  }
}
