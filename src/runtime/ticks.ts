import type { Clock, Timer } from '../base/clock.ts'

/** One tick: 50 ms that the node really ran (rules R5.5, 8). */
export const TICK_MS = 50

/** The shortest election timeout. */
export function electionTicksOf({ electionTimeoutMs }: { readonly electionTimeoutMs: number }): number {
  return Math.ceil(electionTimeoutMs / TICK_MS)
}

/**
 * Calls `onTick` every 50 ms that this process ran. A late timer counts once: a stall or a paused machine credits everybody,
 * because the time that was lost is not made up for.
 */
export class TickSource {
  readonly #clock: Clock
  readonly #onTick: () => void
  #timer: Timer | undefined

  constructor(clock: Clock, onTick: () => void) {
    this.#clock = clock
    this.#onTick = onTick
  }

  start(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      this.start()
      this.#onTick()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
