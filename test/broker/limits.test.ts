import { describe, expect, it } from 'vitest'
import { limitsOf } from '../../src/broker/limits.ts'

describe('how much goes at once', () => {
  it('is what rules 8 say, unless a simulation wants less', () => {
    expect(limitsOf({})).toEqual({ followerFetchBytes: 4_194_304, snapshotChunkBytes: 524_288, roundBytes: 1_048_576 })
    const limits = { followerFetchBytes: 300, snapshotChunkBytes: 50, roundBytes: 400 }
    expect(limitsOf({ limits })).toBe(limits)
  })
})
