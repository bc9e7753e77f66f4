import type { Clock, Timer } from '../base/clock.ts'

/** setTimeout takes no longer delay: it would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The process's own clock. Timers keep the process alive: work that waits for them is not done. */
export class SystemClock implements Clock {
  monotonicMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  after(delayMs: number, callback: () => void): Timer {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      timer = leftMs > MAX_DELAY_MS ? setTimeout(() => wait(leftMs - MAX_DELAY_MS), MAX_DELAY_MS) : setTimeout(callback, leftMs)
    }
    wait(Math.max(0, Math.ceil(delayMs)))
    return { cancel: () => clearTimeout(timer) }
  }

  defer(callback: () => void): void {
    setImmediate(callback)
  }
}
