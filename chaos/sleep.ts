import type { Clock } from '../src/base/clock.ts'

/** Waits on a Clock: real, or simulated. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve))
}
