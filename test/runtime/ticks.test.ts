import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { TICK_MS, TickSource } from '../../src/runtime/ticks.ts'

/** A process that can stand still: timers fire no sooner than asked, and late after a stall. */
class StallingClock {
  nowMs = 0
  #timer: { atMs: number; callback: () => void } | undefined
  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, callback }
    this.#timer = timer
    return {
      cancel: () => {
        if (this.#timer === timer) this.#timer = undefined
      },
    }
  }
  runTo(ms: number): void {
    while (this.#timer !== undefined && this.#timer.atMs <= ms) {
      const { atMs, callback } = this.#timer
      this.#timer = undefined
      this.nowMs = Math.max(this.nowMs, atMs)
      callback()
    }
    this.nowMs = ms
  }
}

describe('tick source', () => {
  it('R5.5: a stall counts as one tick, whatever its length', () => {
    const clock = new StallingClock()
    let ticks = 0
    const source = new TickSource(clock as unknown as Clock, () => ticks++)
    source.start()
    clock.runTo(10 * TICK_MS)
    expect(ticks).toBe(10)
    clock.nowMs += 60_000
    clock.runTo(clock.nowMs)
    expect(ticks).toBe(11)
    clock.runTo(clock.nowMs + TICK_MS)
    expect(ticks).toBe(12)
  })

  it('ends when it is stopped, from within a tick too', () => {
    const clock = new StallingClock()
    let ticks = 0
    const source: TickSource = new TickSource(clock as unknown as Clock, () => {
      ticks++
      source.stop()
    })
    source.start()
    clock.runTo(10 * TICK_MS)
    expect(ticks).toBe(1)
  })
})
