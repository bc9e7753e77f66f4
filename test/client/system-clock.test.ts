import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '../../src/client/system-clock.ts'

const TWO_31 = 2 ** 31

describe('SystemClock', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each([1, 1_000, TWO_31 - 1, TWO_31, 3 * TWO_31 + 7])('calls back after %d ms, once and not sooner', (delayMs) => {
    const called = vi.fn()
    new SystemClock().after(delayMs, called)
    vi.advanceTimersByTime(delayMs - 1)
    expect(called).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(called).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(TWO_31)
    expect(called).toHaveBeenCalledTimes(1)
  })

  it('cancels at any time', () => {
    const called = vi.fn()
    const timer = new SystemClock().after(2 * TWO_31, called)
    vi.advanceTimersByTime(TWO_31 + 1)
    timer.cancel()
    vi.advanceTimersByTime(2 * TWO_31)
    expect(called).not.toHaveBeenCalled()
  })

  it('never calls back after Infinity', () => {
    const called = vi.fn()
    new SystemClock().after(Infinity, called)
    vi.advanceTimersByTime(3 * TWO_31)
    expect(called).not.toHaveBeenCalled()
  })
})
