import type { Clock, Timer } from '../../src/base/clock.ts'
import type { EventQueue, Owner } from './event-queue.ts'

/** Where the wall clocks of a simulation start: 2023-11-14T22:13:20Z. */
const WALL_START_MS = 1_700_000_000_000

/**
 * The Clock of one owner (a process, a machine, a client) in simulated time. Monotonic time runs on through a pause, as it does for a
 * stopped process; the wall clock may be set to anything, since nothing may be decided by it. Both run at a rate of their own.
 */
export class SimClock implements Clock {
  readonly #queue: EventQueue
  readonly #owner: Owner | null
  #wallOffsetMs: number
  readonly #rate: number

  /** `rate`: its seconds in a second of simulated time. */
  constructor(queue: EventQueue, owner: Owner | null, options: { readonly wallOffsetMs?: number; readonly rate?: number } = {}) {
    this.#queue = queue
    this.#owner = owner
    this.#wallOffsetMs = options.wallOffsetMs ?? 0
    this.#rate = options.rate ?? 1
  }

  monotonicMs(): number {
    return this.#queue.nowMs * this.#rate
  }

  wallMs(): number {
    return WALL_START_MS + Math.floor(this.#queue.nowMs * this.#rate) + this.#wallOffsetMs
  }

  /** How far it was set. */
  get wallOffsetMs(): number {
    return this.#wallOffsetMs
  }

  /** The operator, or NTP, sets the wall clock. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const event = this.#queue.schedule(Math.max(0, Math.ceil((delayMs * 1000) / this.#rate)), this.#owner, callback)
    return {
      cancel: () => {
        event.callback = undefined
      },
    }
  }

  defer(callback: () => void): void {
    this.#queue.defer(this.#owner, callback)
  }
}
