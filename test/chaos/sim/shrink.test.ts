import { describe, expect, it } from 'vitest'
import type { Fault } from '../../../chaos/faults.ts'
import { fewestEntries, shortestFaults, shortestTime } from '../../../chaos/sim/shrink.ts'

const fault = (id: number): Fault => ({ id, atMs: id, kind: 'kill', target: { type: 'all' }, durationMs: 800 })

describe('making a failure small', () => {
  it('keeps the entries that are needed together, and no other', async () => {
    let tries = 0
    const needed = [2, 11, 12]
    const left = await fewestEntries(
      Array.from({ length: 20 }, (_, at) => at),
      async (entries) => {
        tries += 1
        return needed.every((entry) => entries.includes(entry))
      },
    )
    expect(left).toEqual(needed)
    expect(tries).toBeLessThan(40)
  })

  it('leaves nothing of a plan that plays no part', async () => {
    expect(await fewestEntries([1, 2, 3], async () => true)).toEqual([])
  })

  it('tries again what could not be left out before others were gone', async () => {
    // 0 is needed only as long as 3 is there.
    const left = await fewestEntries([0, 1, 2, 3], async (entries) => entries.includes(1) && (!entries.includes(3) || entries.includes(0)))
    expect(left).toEqual([1])
  })

  it('shortens each fault as long as it still fails', async () => {
    const left = await shortestFaults([fault(0), fault(1)], async ([first, second]) => (first?.durationMs ?? 0) >= 400 && (second?.durationMs ?? 0) >= 1)
    expect(left.map(({ id, durationMs }) => [id, durationMs])).toEqual([
      [0, 400],
      [1, 100],
    ])
  })

  it('finds the shortest time within a second', async () => {
    const time = await shortestTime(60_000, 1_000, async (ms) => ms >= 7_300)
    expect(time).toBeGreaterThanOrEqual(7_300)
    expect(time).toBeLessThanOrEqual(8_300)
  })
})
