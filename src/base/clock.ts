/** A timer that was asked for; `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * The seam to time. Production: runtime of Node. Simulation: the event queue.
 * `wallMs` is for record timestamps and logs alone; nothing is ever decided by it.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  monotonicMs(): number
  /** Milliseconds since 1970; may jump. */
  wallMs(): number
  /** Calls `callback` once, no sooner than `delayMs` from now. Never synchronously. */
  after(delayMs: number, callback: () => void): Timer
  /** Calls `callback` when the current turn is over: where effects of one turn are gathered. */
  defer(callback: () => void): void
}
