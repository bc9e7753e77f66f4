import type { Clock, Timer } from '../base/clock.ts'

/** The process's own clock. Timers keep the process alive: work that waits for them is not done. */
export class SystemClock implements Clock {
  monotonicMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, Math.max(0, Math.ceil(delayMs)))
    return { cancel: () => clearTimeout(timer) }
  }

  defer(callback: () => void): void {
    setImmediate(callback)
  }
}
