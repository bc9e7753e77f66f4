import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { majorityOf, quorumEnd, voteOutcome } from '../../src/raft/quorum.ts'

const CASES = 50_000

/** The definition, word for word: the greatest offset that more than half of the voters have reached. */
function naiveEnd(voterCount: number, ends: readonly number[]): number {
  for (let end = Math.max(0, ...ends); end > 0; end--) if (ends.filter((one) => one >= end).length * 2 > voterCount) return end
  return 0
}

/** The definition, by trying what the voters that have not answered could still say. */
function naiveOutcome(voterCount: number, granted: number, refused: number): string {
  const silent = voterCount - granted - refused
  const wins = (votes: number): boolean => votes * 2 > voterCount
  if (wins(granted)) return 'won'
  return wins(granted + silent) ? 'pending' : 'lost'
}

describe('R4.2 quorum', () => {
  it(`agrees with the definition of a majority's end in ${CASES} cases`, () => {
    const random = new SeededRandom(1)
    for (let at = 0; at < CASES; at++) {
      const voterCount = 1 + random.integer(9)
      const ends = Array.from({ length: random.integer(voterCount + 1) }, () => random.integer(20))
      expect(quorumEnd(voterCount, ends), `${voterCount} voters, ${ends.join(' ')}`).toBe(naiveEnd(voterCount, ends))
    }
  })

  it(`agrees with the definition of a won and a lost vote in ${CASES} cases`, () => {
    const random = new SeededRandom(2)
    for (let at = 0; at < CASES; at++) {
      const voterCount = 1 + random.integer(9)
      const granted = random.integer(voterCount + 1)
      const refused = random.integer(voterCount - granted + 1)
      expect(voteOutcome({ voterCount, granted, refused }), `${granted} and ${refused} of ${voterCount}`).toBe(naiveOutcome(voterCount, granted, refused))
    }
  })

  it('lets two majorities always share a voter', () => {
    for (let voterCount = 1; voterCount < 20; voterCount++) expect(majorityOf(voterCount) * 2).toBeGreaterThan(voterCount)
  })

  it('needs somebody: with no voters nobody wins and nothing is decided', () => {
    expect(voteOutcome({ voterCount: 0, granted: 0, refused: 0 })).toBe('lost')
    expect(quorumEnd(0, [])).toBe(0)
  })

  it('refuses to count a voter twice', () => {
    expect(() => quorumEnd(2, [1, 1, 1])).toThrow('each voter counts once')
    expect(() => voteOutcome({ voterCount: 1, granted: 1, refused: 1 })).toThrow('each voter answers once')
  })
})
