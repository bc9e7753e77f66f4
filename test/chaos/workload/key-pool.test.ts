import { describe, expect, it } from 'vitest'
import { KeyPool } from '../../../chaos/workload/key-pool.ts'
import { SeededRandom } from '../../../src/base/random.ts'

describe('KeyPool', () => {
  it('has one hot key and several cold ones', () => {
    const pool = new KeyPool(new SeededRandom(1), { activeKeys: 6, maxWritesPerKey: 10 })
    const picks = Array.from({ length: 6_400 }, () => pool.pick())
    const shares = [0, 1, 2, 3, 4, 5].map((key) => picks.filter((one) => one === key).length / picks.length)
    for (const [key, share] of shares.entries()) expect(share / (2 ** key / 63)).toBeCloseTo(1, 0)
  })

  it('gives each value of a key once, and a new key for each that retires', () => {
    const pool = new KeyPool(new SeededRandom(2), { activeKeys: 4, maxWritesPerKey: 50 })
    const values = new Map<number, number[]>()
    for (let at = 0; at < 2_000; at++) {
      const { key, value } = pool.nextWrite()
      values.set(key, [...(values.get(key) ?? []), value])
    }
    expect(pool.count).toBeGreaterThan(40)
    expect(Math.max(...values.keys())).toBeLessThan(pool.count)
    for (const sent of values.values()) expect(sent).toEqual(sent.map((_, at) => at + 1))
    const lengths = [...values.values()].map((sent) => sent.length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(50)
    // Most of them live for a few writes only.
    expect(lengths.filter((length) => length < 8).length).toBeGreaterThan(lengths.length / 3)
  })
})
