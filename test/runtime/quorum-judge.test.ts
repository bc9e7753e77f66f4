import { describe, expect, it } from 'vitest'
import type { PeerProgress } from '../../src/raft/effects.ts'
import type { VoterRefusal } from '../../src/raft/voter-change.ts'
import { QuorumJudge, refusalError } from '../../src/runtime/quorum-judge.ts'

const ELECTION_TICKS = 20
const peer = { directoryId: 'd', voter: true, counts: true, persistedEndOffset: 9, silentTicks: 0, laggingTicks: 0, isCaughtUp: true }

function judgeOf(progress: readonly PeerProgress[], refusal?: VoterRefusal): QuorumJudge {
  const raft = { endOffset: 10, judgeVoters: () => refusal, progress: () => [...progress] }
  return new QuorumJudge({ raft, electionTicks: ELECTION_TICKS, node: () => undefined })
}

describe('the judge of voters', () => {
  it('counts voters as live that answered within an election timeout and whose log is whole', () => {
    const judge = judgeOf([
      { ...peer, nodeId: 1 },
      { ...peer, nodeId: 2, silentTicks: ELECTION_TICKS },
      { ...peer, nodeId: 3, counts: false },
      { ...peer, nodeId: 4, voter: false },
      { ...peer, nodeId: 5, silentTicks: ELECTION_TICKS - 1 },
    ])
    expect(judge.liveVoterIds).toEqual([1, 5])
  })

  it.each([
    ['unknown', {}, 'node 9 has just connected'],
    ['another folder', { directoryId: 'x' }, 'has just connected'],
    ['silent', { silentTicks: ELECTION_TICKS }, 'does not answer'],
    ['damaged', { counts: false }, 'was damaged'],
    ['behind', { isCaughtUp: false }, 'it has 9 of 10 entries'],
  ])('a newcomer is not ready: %s', (what, changes, text) => {
    const judge = judgeOf([{ ...peer, nodeId: 4, ...changes }])
    expect(judge.newcomerRefusal(what === 'unknown' ? 9 : 4, 'd')).toMatchObject({ code: 'VOTER_NOT_READY', detail: expect.stringContaining(text) })
  })

  it('a newcomer that answers and has the log is ready, and what Raft takes is taken', () => {
    expect(judgeOf([{ ...peer, nodeId: 4 }]).newcomerRefusal(4, 'd')).toBeUndefined()
    expect(judgeOf([]).refusal([])).toBeUndefined()
    expect(judgeOf([], { type: 'lastVoter' }).refusal([])).toMatchObject({ code: 'UNSAFE_VOTER_SET' })
  })

  it.each([
    [{ type: 'notLeader' }, 'NOT_CONTROLLER'],
    [{ type: 'transferring' }, 'VOTER_NOT_READY'],
    [{ type: 'ownTermNotCommitted' }, 'VOTER_NOT_READY'],
    [{ type: 'changePending', offset: 7 }, 'VOTER_NOT_READY'],
    [{ type: 'notOneChange' }, 'VOTER_NOT_READY'],
    [{ type: 'lastVoter' }, 'UNSAFE_VOTER_SET'],
    [{ type: 'noLiveMajority', live: 1, needed: 2 }, 'UNSAFE_VOTER_SET'],
  ] as const)('%j is %s', (refusal, code) => expect(refusalError(refusal).code).toBe(code))
})
