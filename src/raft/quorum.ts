import { assert } from '../base/assert.ts'

export type VoteOutcome = 'won' | 'lost' | 'pending'

/** How many of `voterCount` voters are more than half of them. */
export function majorityOf(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1
}

/**
 * The greatest end (exclusive) that a majority of `voterCount` voters have reached. `ends` holds one end for each voter that counts;
 * those that are missing (unknown, damaged, silent since ever) stand at 0. Source: Raft paper 5.3, 5.4.2; the term is judged by the caller.
 */
export function quorumEnd(voterCount: number, ends: readonly number[]): number {
  assert(ends.length <= voterCount, 'each voter counts once')
  const descending = [...ends].sort((left, right) => right - left)
  return descending[majorityOf(voterCount) - 1] ?? 0
}

/** Whether `granted` of `voterCount` votes win, or `refused` make that impossible. No voters at all: nobody wins. */
export function voteOutcome(options: { readonly voterCount: number; readonly granted: number; readonly refused: number }): VoteOutcome {
  const majority = majorityOf(options.voterCount)
  assert(options.granted + options.refused <= options.voterCount, 'each voter answers once')
  if (options.granted >= majority) return 'won'
  return options.voterCount - options.refused < majority ? 'lost' : 'pending'
}
