import { describe, expect, it } from 'vitest'
import { murmur2, partitionForKey } from '../../src/record/murmur2.ts'

describe('murmur2', () => {
  // Source: Kafka, UtilsTest.testMurmur2.
  const vectors: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [key, hash] of vectors) it(`of "${key}" is Kafka's`, () => expect(murmur2(Buffer.from(key))).toBe(hash))

  it('chooses a partition with the sign taken off, as Kafka (toPositive)', () => {
    expect(partitionForKey(Buffer.from('21'), 1000)).toBe((-973932308 & 0x7fffffff) % 1000)
    expect(partitionForKey(Buffer.from('abc'), 1000)).toBe(107)
  })
})
