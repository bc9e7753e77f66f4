import { describe, expect, it } from 'vitest'
import { limitsOf } from '../../src/broker/limits.ts'

describe('how much goes at once', () => {
  it('is what rules 8 say, unless a simulation wants less', () => {
    const usual = limitsOf({})
    expect(usual).toEqual({
      followerFetchBytes: 4_194_304,
      followerUnsyncedBytes: 2_097_152,
      snapshotChunkBytes: 524_288,
      roundBytes: 1_048_576,
      applyBytes: 1_048_576,
      inflightEntries: 256,
      uncommittedBytes: 16_777_216,
    })
    const limits = { followerFetchBytes: 300, inflightEntries: 1 }
    expect(limitsOf({ limits })).toEqual({ ...usual, ...limits })
  })
})
