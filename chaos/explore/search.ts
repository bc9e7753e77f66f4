import { AssertionError } from '../../src/base/assert.ts'
import { Violation } from '../check/violation.ts'
import type { Model, State } from './model.ts'
import { HashList, StateQueue, type StateHash, Ways } from './visited.ts'

export interface Found {
  readonly violation: Violation
  /** The shortest sequence of actions that leads to it, the last one included. */
  readonly actions: readonly number[]
}

export interface Explored {
  readonly states: number
  readonly transitions: number
  /** Length of the longest of the shortest ways. */
  readonly depth: number
  readonly seconds: number
  readonly bytes: number
  /** False: it ended at `maxStates`. */
  readonly isComplete: boolean
  readonly found: Found | undefined
}

export interface SearchOptions {
  readonly maxStates: number
  /** From each state, whether a way without faults leads back to health. */
  readonly heal: boolean
  readonly progress?: (states: number, waiting: number, depth: number) => void
}

const PROGRESS_STATES = 100_000
/** No way back to health is longer. */
const MAX_HEALING = 400

export function toViolation(error: unknown): Violation {
  if (error instanceof Violation) return error
  if (error instanceof AssertionError) return new Violation('assert', error.message)
  throw error
}

/** Breadth first: so the first violation is one with the fewest actions. */
export class Search {
  readonly #model: Model
  readonly #options: SearchOptions
  readonly #known = new HashList()
  readonly #healed = new HashList()
  readonly #ways = new Ways()
  readonly #queue = new StateQueue()
  readonly #hash: StateHash = { low: 0, high: 0 }
  #transitions = 0
  #found: Found | undefined

  constructor(model: Model, options: SearchOptions) {
    this.#model = model
    this.#options = options
  }

  run(): Explored {
    const startedAt = performance.now()
    const { maxStates, progress } = this.#options
    this.#meet(this.#model.initial(), 0, 0)
    let depth = 0
    let levelEnd = 1
    let number = 0
    for (let state = this.#queue.shift(); state !== undefined && this.#found === undefined; state = this.#queue.shift()) {
      if (number === levelEnd) {
        depth += 1
        levelEnd = this.#known.size
      }
      this.#expand(state, number)
      if (this.#options.heal && this.#found === undefined) this.#heal(state, number)
      number += 1
      if (number % PROGRESS_STATES === 0) progress?.(this.#known.size, this.#queue.size, depth)
      if (this.#known.size >= maxStates) break
    }
    return {
      states: this.#known.size,
      transitions: this.#transitions,
      depth,
      seconds: (performance.now() - startedAt) / 1000,
      bytes: this.#known.bytes + this.#healed.bytes + this.#ways.bytes + this.#queue.bytes,
      isComplete: this.#known.size < maxStates && this.#found === undefined,
      found: this.#found,
    }
  }

  #meet(state: State, parent: number, action: number): void {
    this.#model.hash(state, this.#hash)
    const number = this.#known.add(this.#hash)
    if (number < 0) return
    this.#ways.note(number, parent, action)
    this.#queue.push(state)
  }

  #expand(state: State, number: number): void {
    this.#model.expand(state, (action, make) => {
      if (this.#found !== undefined) return
      this.#transitions += 1
      try {
        this.#meet(make(), number, action)
      } catch (error) {
        this.#found = { violation: toViolation(error), actions: [...this.#ways.actionsTo(number), action] }
      }
    })
  }

  /**
   * Goes on until health, or a state from which that is known to be reached, or one that was met after `from`: from there a way is looked for when its
   * turn comes, and that one can rely in the same manner only on what was met later still. So no circle of states rely on each other.
   */
  #heal(from: State, number: number): void {
    const actions: number[] = []
    const way: StateHash[] = []
    try {
      for (let state = from; ; ) {
        const step = this.#model.heal(state)
        if (step === undefined) break
        actions.push(step.action)
        if (actions.length > MAX_HEALING) throw new Violation('convergence', `no leader serves after ${MAX_HEALING} steps without a fault`)
        state = step.next
        this.#model.hash(state, this.#hash)
        if (this.#healed.has(this.#hash)) break
        if (this.#known.numberOf(this.#hash) > number) return
        way.push({ ...this.#hash })
      }
      for (const hash of way) this.#healed.add(hash)
    } catch (error) {
      this.#found = { violation: toViolation(error), actions: [...this.#ways.actionsTo(number), ...actions] }
    }
  }
}
