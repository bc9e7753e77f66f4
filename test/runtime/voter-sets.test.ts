import { describe, expect, it } from 'vitest'
import { VoterSets } from '../../src/runtime/voter-sets.ts'

const one = [
  { nodeId: 1, directoryId: 'a', endpoint: null },
  { nodeId: 2, directoryId: null, endpoint: null },
]
const two = [
  { nodeId: 1, directoryId: 'a', endpoint: null },
  { nodeId: 2, directoryId: 'b', endpoint: null },
]

describe('voter sets', () => {
  it('R4.4: a set counts from its append on and is taken back by a cut', () => {
    const sets = new VoterSets([])
    expect(sets.current).toEqual([])
    expect(sets.appended(0, [{ type: 'cluster', clusterId: 'c', voters: one }])).toBe(true)
    expect(sets.appended(1, [{ type: 'leaderChange', leaderId: 1 }])).toBe(false)
    expect(sets.appended(2, [{ type: 'voters', voters: two }])).toBe(true)
    expect(sets.current).toEqual(two)
    expect(sets.set).toEqual({ voters: two, offset: 2, previous: one })
    expect(sets.truncated(3)).toBe(false)
    expect(sets.truncated(2)).toBe(true)
    expect(sets.current).toEqual(one)
    expect(sets.truncated(0)).toBe(true)
    expect(sets.current).toEqual([])
    expect(sets.set).toEqual({ voters: [], offset: -1, previous: [] })
  })
})
