import { describe, expect, it } from 'vitest'
import { numberedPlaces, recordOf, valueIn } from '../../../chaos/workload/places.ts'

describe('a key', () => {
  it('is one partition, of whatever prefix', () => {
    const { placeOf, keyOf } = numberedPlaces()
    expect([0, 1, 7].map(placeOf)).toEqual([
      { topic: 't0', partition: 0 },
      { topic: 't0', partition: 1 },
      { topic: 't3', partition: 1 },
    ])
    for (const key of [0, 1, 2, 99]) expect(keyOf(placeOf(key))).toBe(key)
    expect(numberedPlaces('mine-').placeOf(7)).toEqual({ topic: 'mine-t3', partition: 1 })
    expect(numberedPlaces('mine-').keyOf({ topic: 'mine-t3', partition: 1 })).toBe(7)
  })

  it('knows its own records, and each other one for what nobody can have sent', () => {
    expect(valueIn(7, Buffer.from(recordOf(7, 12)))).toBe(12)
    for (const strange of [Buffer.from(recordOf(8, 12)), Buffer.from('7/12x'), Buffer.from([0x37, 0x2f, 0xb1]), Buffer.from('7/99999999999999'), null]) {
      expect(valueIn(7, strange)).toBeGreaterThanOrEqual(2 ** 40)
    }
  })
})
