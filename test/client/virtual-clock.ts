import type { Clock, Timer } from '../../src/base/clock.ts'

interface Event {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
  isCancelled: boolean
}

/** Time that passes only when told to: events run by (time, order of asking). */
export class VirtualClock implements Clock {
  #nowMs = 0
  #order = 0
  #events: Event[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, callback: () => void): Timer {
    const event: Event = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback, isCancelled: false }
    let at = this.#events.length
    while (at > 0 && (this.#events[at - 1] as Event).atMs > event.atMs) at--
    this.#events.splice(at, 0, event)
    return { cancel: () => (event.isCancelled = true) }
  }

  defer(callback: () => void): void {
    this.after(0, callback)
  }

  /** Runs all that is due within the next `durationMs`, and ends there. */
  run(durationMs: number): void {
    const endMs = this.#nowMs + durationMs
    for (let steps = 0; this.#events[0] !== undefined && this.#events[0].atMs <= endMs; steps++) {
      if (steps > 1_000_000) throw new Error(`time stands still at ${this.#nowMs} ms`)
      const event = this.#events.shift() as Event
      if (event.isCancelled) continue
      this.#nowMs = event.atMs
      event.callback()
    }
    this.#nowMs = endMs
  }

  /** As `run`, with promises settled every `stepMs`. */
  async runWithPromises(durationMs: number, stepMs = 10): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
      this.run(Math.min(stepMs, durationMs - passedMs))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
