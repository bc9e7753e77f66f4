import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { SystemClock } from '../../../../src/client/system-clock.ts'
import { ShiftedClock } from '../../../../chaos/live/clock/shifted-clock.ts'
import { NotedCluster } from './noted-cluster.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a shifted clock has another time of day, and measures as before', () => {
  const clock = new ShiftedClock(new SystemClock())
  clock.offsetMs = -5_000
  expect(clock.wallMs()).toBe(Date.now() - 5_000)
  expect(clock.monotonicMs()).toBe(performance.now())
})

it('clock-offset makes clocks jump again and again, forth and back, and sets them right in the end', async () => {
  const noted = new NotedCluster(3)
  const running = await noted.begin('clock-offset')
  const seen: number[] = []
  for (let second = 0; second < 20; second++) {
    await vi.advanceTimersByTimeAsync(1_000)
    seen.push(...noted.offsets.values())
  }
  expect(new Set(seen).size).toBeGreaterThan(10)
  expect(Math.min(...seen)).toBeLessThan(0)
  expect(Math.max(...seen)).toBeGreaterThan(0)
  expect(Math.max(...seen.map(Math.abs))).toBeLessThanOrEqual(Math.round(1.5 ** 31))
  expect(await running.observe()).toMatchObject({ isSeen: true })
  const healing = running.heal()
  await vi.advanceTimersByTimeAsync(1_000)
  await healing
  expect([...noted.offsets.values()].every((offsetMs) => offsetMs === 0)).toBe(true)
})

it('clock-offset of nodes that are down had no effect', async () => {
  const noted = new NotedCluster(3)
  for (const node of [1, 2, 3]) noted.down.add(node)
  const running = await noted.begin('clock-offset')
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await running.observe()).toMatchObject({ isSeen: false })
})
