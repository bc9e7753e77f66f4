import { describe, expect, it } from 'vitest'
import { Availability } from '../../../chaos/live/availability.ts'

describe('Availability', () => {
  it('counts seconds with an acknowledgement, and finds the longest gap that overlaps', () => {
    const availability = new Availability()
    for (const nowMs of [100, 900, 1_500, 5_200, 5_300, 6_500]) availability.acknowledged(nowMs)
    availability.end(8_000)
    expect(availability.share(8_000)).toBe(4 / 8)
    expect(availability.worstGapMs([{ fromMs: 0, toMs: 8_000 }])).toBe(3_700)
    expect(availability.worstGapMs([{ fromMs: 0, toMs: 1_000 }])).toBe(800)
    expect(
      availability.worstGapMs([
        { fromMs: 5_250, toMs: 5_260 },
        { fromMs: 6_000, toMs: 6_600 },
      ]),
    ).toBe(1_500)
    expect(availability.worstGapMs([])).toBe(0)
  })

  it('says how long the longest gap was where none was long', () => {
    const availability = new Availability()
    for (let nowMs = 10; nowMs < 1_000; nowMs += nowMs === 500 ? 37 : 10) availability.acknowledged(nowMs)
    availability.end(1_000)
    expect(availability.worstGapMs([{ fromMs: 0, toMs: 1_000 }])).toBe(37)
    expect(availability.worstGapMs([{ fromMs: 0, toMs: 400 }])).toBe(10)
  })

  it('is none where nothing was acknowledged', () => {
    const availability = new Availability()
    availability.end(3_000)
    expect([availability.share(3_000), availability.worstGapMs([{ fromMs: 0, toMs: 3_000 }])]).toEqual([0, 3_000])
  })
})
