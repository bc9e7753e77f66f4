import { assert } from '../base/assert.ts'

/** Upper bounds in milliseconds, inclusive; what lies above the last counts in the sum and count alone. */
export const LATENCY_BOUNDS_MS: readonly number[] = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000]

/**
 * A Prometheus histogram that costs a few comparisons an observation, and needs no library until somebody asks: the library is loaded with the
 * first scrape, and what came before must be in it.
 */
export class Histogram {
  readonly bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[] = LATENCY_BOUNDS_MS) {
    this.bounds = bounds
    this.#counts = new Array<number>(bounds.length).fill(0)
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  observe(value: number): void {
    assert(value >= 0, 'a duration is not negative')
    this.#sum += value
    this.#count++
    for (let at = 0; at < this.bounds.length; at++) {
      if (value > (this.bounds[at] as number)) continue
      this.#counts[at] = (this.#counts[at] as number) + 1
      return
    }
  }

  /** How many observations were at most each bound. */
  cumulative(): readonly number[] {
    let total = 0
    return this.#counts.map((count) => (total += count))
  }
}
