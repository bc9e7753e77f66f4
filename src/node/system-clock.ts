import type { Clock, Timer } from '../base/clock.ts'

/** The longest delay that Node's timers take; a longer one would fire at once. */
const MAX_DELAY_MS = 2_147_483_647

/** Time as this machine has it. */
export class SystemClock implements Clock {
  monotonicMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_DELAY_MS))
    return { cancel: () => clearTimeout(timer) }
  }

  /** Once everything that has arrived by now was handled: what one round of the event loop produced leaves together. */
  defer(callback: () => void): void {
    setImmediate(callback)
  }
}
