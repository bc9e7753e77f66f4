import { expect, it } from 'vitest'
import { checkVoters } from '../../../chaos/check/voters-of-the-log.ts'
import type { RaftView } from '../../../src/broker/surface.ts'

const set = (...nodeIds: number[]): RaftView['voters'] => nodeIds.map((nodeId) => ({ nodeId, directoryId: `${nodeId}`.repeat(32) }))
const raft: RaftView = {
  role: 'follower',
  term: 2,
  leaderId: 1,
  voters: set(1, 2, 3),
  commitIndex: 9,
  startOffset: 0,
  endOffset: 9,
  damagedBelow: null,
  snapshot: null,
}

it('where all of the log is applied, its voters count and no others', () => {
  expect(() => checkVoters('node 2', raft, { offset: 9, voters: set(1, 2, 3) })).not.toThrow()
  expect(() => checkVoters('node 2', raft, { offset: 9, voters: set(1, 2) })).toThrow(
    /^voters: node 2 counts with the voters 1 \(111111\), 2 .*, 3 .*, in its log they are 1/,
  )
  expect(() => checkVoters('node 2', raft, { offset: 9, voters: [...set(1, 2), { nodeId: 3, directoryId: null }] })).toThrow(/3 \(folder not known\) up to 9/)
})

it('a set that is not applied yet says nothing', () => {
  expect(() => checkVoters('node 2', raft, { offset: 8, voters: set(1, 2) })).not.toThrow()
})
