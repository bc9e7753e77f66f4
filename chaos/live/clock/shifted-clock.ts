import type { Clock, Timer } from '../../../src/base/clock.ts'

/** A clock whose time of day is wrong by what it is told. What it measures goes on as it does: a machine's does too when somebody sets its time. */
export class ShiftedClock implements Clock {
  readonly #inner: Clock
  offsetMs = 0

  constructor(inner: Clock) {
    this.#inner = inner
  }

  monotonicMs(): number {
    return this.#inner.monotonicMs()
  }

  wallMs(): number {
    return this.#inner.wallMs() + this.offsetMs
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#inner.after(delayMs, callback)
  }

  defer(callback: () => void): void {
    this.#inner.defer(callback)
  }
}
